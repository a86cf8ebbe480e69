"""How much memory the devices of this machine have, and who holds it; nothing is taken from them for the answer.

NVIDIA's and AMD's cards are asked through their management libraries, which see all processes and make no context: one
of torch's own would cost hundreds of megabytes of what is measured. Where such a library does not answer, torch is
asked after all. The main memory needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from studio_kernel.domain.estimate import DeviceMemory

MAIN = "the main memory"
_MIB = 1 << 20


class NvidiaCards:
    """Cards that NVIDIA's management library tells of.

    Parameters
    ----------
    nvml : module
        ``pynvml``, or an object with its functions.
    indices : sequence of int
        Its numbers of the cards that torch sees, in torch's order.
    """

    def __init__(self, nvml: Any, indices: Sequence[int]) -> None:
        self._nvml, self._indices = nvml, indices

    def read(self, pids: Iterable[int]) -> list[DeviceMemory]:
        """Return the memory of each card, `pids` being the processes of this home.

        Raises
        ------
        RuntimeError
            When the library or the driver does not answer.
        """
        own = frozenset(pids)
        try:
            self._nvml.nvmlInit()
            return [self._card(self._nvml.nvmlDeviceGetHandleByIndex(index), own) for index in self._indices]
        except self._nvml.NVMLError as error:
            raise RuntimeError(f"NVML: {error}") from error

    def _card(self, handle: Any, own: frozenset[int]) -> DeviceMemory:
        name = self._nvml.nvmlDeviceGetName(handle)
        memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
        words = name.decode() if isinstance(name, bytes) else str(name)
        return DeviceMemory("cuda", words, int(memory.total), int(memory.free), self._held(handle, own))

    def _held(self, handle: Any, own: frozenset[int]) -> int:
        # Windows tells no memory of single processes; in a container their numbers are those of the host.
        try:
            processes = self._nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except self._nvml.NVMLError:
            return 0
        return sum(int(process.usedGpuMemory or 0) for process in processes if process.pid in own)


class AmdCards:
    """Cards that AMD's management library tells of.

    Parameters
    ----------
    smi : module
        ``amdsmi``, which comes with ROCm, or an object with its functions.
    indices : sequence of int
        Its numbers of the cards that torch sees, in torch's order.
    """

    def __init__(self, smi: Any, indices: Sequence[int]) -> None:
        self._smi, self._indices = smi, indices

    def read(self, pids: Iterable[int]) -> list[DeviceMemory]:
        """Return the memory of each card, as `NvidiaCards.read` does."""
        own = frozenset(pids)
        try:
            self._smi.amdsmi_init()
            handles = self._smi.amdsmi_get_processor_handles()
            return [self._card(handles[index], own) for index in self._indices]
        except (self._smi.AmdSmiException, LookupError) as error:
            raise RuntimeError(f"AMD SMI: {error}") from error

    def _card(self, handle: Any, own: frozenset[int]) -> DeviceMemory:
        usage = self._smi.amdsmi_get_gpu_vram_usage(handle)  # in MiB
        total, used = int(usage["vram_total"]) * _MIB, int(usage["vram_used"]) * _MIB
        name = str(self._smi.amdsmi_get_gpu_asic_info(handle)["market_name"])
        return DeviceMemory("cuda", name, total, max(0, total - used), self._held(handle, own))

    def _held(self, handle: Any, own: frozenset[int]) -> int:
        try:
            processes = self._smi.amdsmi_get_gpu_process_list(handle)
        except self._smi.AmdSmiException:  # those of other people are not told
            return 0
        told = [process for process in map(self._process(handle), processes) if process["pid"] in own]
        return sum(int(process["memory_usage"]["vram_mem"]) for process in told)

    def _process(self, handle: Any) -> Callable[[Any], Any]:
        # Before ROCm 6.2 the list held handles that are asked one by one (github.com/ROCm/amdsmi, c551c3c).
        ask = getattr(self._smi, "amdsmi_get_gpu_process_info", None)
        return (lambda process: ask(handle, process)) if ask else (lambda process: process)


class TorchCards:
    """Cards that only torch tells of; asking makes a context on each, and does not tell who holds what.

    Parameters
    ----------
    cuda : module
        ``torch.cuda``, or an object with its functions.
    """

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda

    def read(self, _pids: Iterable[int]) -> list[DeviceMemory]:
        """Return the memory of each card."""
        return [self._card(index) for index in range(self._cuda.device_count())]

    def _card(self, index: int) -> DeviceMemory:
        free, total = self._cuda.mem_get_info(index)
        return DeviceMemory("cuda", str(self._cuda.get_device_name(index)), int(total), int(free))


class AppleGpu:
    """The GPU of an Apple computer, which shares the main memory.

    Parameters
    ----------
    mps : module
        ``torch.mps``, or an object with its functions.
    main : callable
        Returns the main memory, given the processes of this home.
    """

    def __init__(self, mps: Any, main: Callable[[Iterable[int]], DeviceMemory]) -> None:
        self._mps, self._main = mps, main

    def read(self, pids: Iterable[int]) -> list[DeviceMemory]:
        """Return its memory: what Metal recommends to use at most, and of that what the main memory has left."""
        main = self._main(pids)
        total = int(self._mps.recommended_max_memory())
        return [DeviceMemory("mps", "Apple GPU", total, min(total, main.free_bytes), min(total, main.own_bytes))]


def first_answer(*cards: NvidiaCards | AmdCards | TorchCards | AppleGpu, pids: Iterable[int]) -> list[DeviceMemory]:
    """Return what the first of several ways to ask says; nothing when none answers."""
    own = tuple(pids)
    for asked in cards:
        with suppress(RuntimeError, OSError):
            return asked.read(own)
    return []


def main_memory(pids: Iterable[int]) -> DeviceMemory:
    """Return the main memory, of which `pids` are the processes of this home; needs no torch."""
    memory = psutil.virtual_memory()
    own = sum(_resident(pid) for pid in set(pids))
    return DeviceMemory("cpu", MAIN, int(memory.total), int(memory.available), own)


def read(pids: Iterable[int]) -> tuple[DeviceMemory, ...]:
    """Return all devices of this machine that models can run on, the main memory last; imports torch."""
    own = tuple(pids)
    return (*_graphics(own), main_memory(own))


def _graphics(pids: tuple[int, ...]) -> list[DeviceMemory]:
    import torch

    from studio_kernel.engines.diffusers.devices import default_dtype

    if torch.cuda.is_available():
        managed = _amd(torch.cuda) if torch.version.hip else _nvidia(torch.cuda)
        usual = str(default_dtype(torch.device("cuda"))).removeprefix("torch.")
        return [replace(card, dtype=usual) for card in first_answer(*managed, TorchCards(torch.cuda), pids=pids)]
    if torch.backends.mps.is_available():
        return first_answer(AppleGpu(torch.mps, main_memory), pids=pids)
    return []


def _nvidia(cuda: Any) -> list[NvidiaCards]:
    # torch's own translation for device_memory_used(): it minds CUDA_VISIBLE_DEVICES
    with suppress(ImportError, RuntimeError, AttributeError):
        import pynvml

        return [NvidiaCards(pynvml, [cuda._get_nvml_device_index(index) for index in range(cuda.device_count())])]
    return []


def _amd(cuda: Any) -> list[AmdCards]:
    with suppress(ImportError, RuntimeError, AttributeError, OSError):
        import amdsmi

        amdsmi.amdsmi_init()  # the numbers are asked of it
        return [AmdCards(amdsmi, [cuda._get_amdsmi_device_index(index) for index in range(cuda.device_count())])]
    return []


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, OSError):
        return 0
