"""Memory of devices, read through stand-ins for the libraries of the makers of cards."""

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from studio_kernel.domain.estimate import DeviceMemory
from studio_kernel.estimates.vram import devices
from studio_kernel.estimates.vram.devices import AmdCards, AppleGpu, NvidiaCards, TorchCards, first_answer

GIB = 1 << 30


class Nvml:
    """NVIDIA's library on a machine with two cards."""

    class NVMLError(Exception):
        pass

    names = (b"Old card", "NVIDIA GeForce RTX 4090")
    processes = ({7: 2 * GIB, 8: GIB}, {7: 3 * GIB, 9: None})

    def __init__(self, *, has_driver=True, tells_processes=True):
        self.has_driver, self.tells_processes = has_driver, tells_processes

    def nvmlInit(self):
        if not self.has_driver:
            raise self.NVMLError("driver not loaded")

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, handle):
        return self.names[handle]

    def nvmlDeviceGetMemoryInfo(self, _handle):
        return SimpleNamespace(total=24 * GIB, used=4 * GIB, free=20 * GIB)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        if not self.tells_processes:
            raise self.NVMLError("not supported")
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in self.processes[handle].items()]


class AmdSmi:
    """AMD's library on a machine with one card."""

    class AmdSmiException(Exception):  # noqa: N818 – the name in the library
        pass

    def amdsmi_init(self):
        pass

    def amdsmi_get_processor_handles(self):
        return ["card"]

    def amdsmi_get_gpu_vram_usage(self, _handle):
        return {"vram_total": 16 * 1024, "vram_used": 6 * 1024}

    def amdsmi_get_gpu_asic_info(self, _handle):
        return {"market_name": "Radeon RX 7900 XTX"}

    def amdsmi_get_gpu_process_list(self, _handle):
        return [{"pid": pid, "memory_usage": {"vram_mem": GIB}} for pid in (7, 8)]


class OlderAmdSmi(AmdSmi):
    """As it was when the list of processes held handles."""

    def amdsmi_get_gpu_process_list(self, _handle):
        return [7, 8]

    def amdsmi_get_gpu_process_info(self, _handle, process):
        return {"pid": process, "memory_usage": {"vram_mem": GIB}}


class Cuda:
    def device_count(self):
        return 1

    def mem_get_info(self, _index):
        return 5 * GIB, 8 * GIB

    def get_device_name(self, _index):
        return "Some card"


def test_cards_are_told_in_the_order_of_torch():
    assert [card.name for card in NvidiaCards(Nvml(), [1, 0]).read([])] == ["NVIDIA GeForce RTX 4090", "Old card"]


def test_what_this_home_holds_on_a_card_would_be_available():
    (card,) = NvidiaCards(Nvml(), [0]).read([7])
    assert card == DeviceMemory("cuda", "Old card", 24 * GIB, 20 * GIB, 2 * GIB)
    assert card.available_bytes == 22 * GIB


def test_a_process_whose_memory_is_not_told_counts_as_nothing():
    (card,) = NvidiaCards(Nvml(), [1]).read([9])
    assert card.own_bytes == 0


def test_a_card_that_does_not_tell_of_processes_is_still_read():
    (card,) = NvidiaCards(Nvml(tells_processes=False), [0]).read([7])
    assert (card.free_bytes, card.own_bytes) == (20 * GIB, 0)


@pytest.mark.parametrize("smi", [AmdSmi(), OlderAmdSmi()])
def test_cards_of_amd_are_read_too(smi):
    assert AmdCards(smi, [0]).read([8]) == [DeviceMemory("cuda", "Radeon RX 7900 XTX", 16 * GIB, 10 * GIB, GIB)]


def test_torch_is_asked_where_the_library_has_no_answer():
    (card,) = first_answer(NvidiaCards(Nvml(has_driver=False), [0]), TorchCards(Cuda()), pids=[])
    assert card == DeviceMemory("cuda", "Some card", 8 * GIB, 5 * GIB)


def test_no_card_is_told_where_nobody_answers():
    assert first_answer(NvidiaCards(Nvml(has_driver=False), [0]), AmdCards(AmdSmi(), [3]), pids=[]) == []


def test_an_apple_gpu_has_no_more_than_the_main_memory_has_left():
    main = DeviceMemory("cpu", "M3", 32 * GIB, 6 * GIB, 2 * GIB)
    mps = SimpleNamespace(recommended_max_memory=lambda: 21 * GIB)
    assert AppleGpu(mps, lambda _: main).read([]) == [DeviceMemory("mps", "Apple GPU", 21 * GIB, 6 * GIB, 2 * GIB)]


def test_the_main_memory_is_told_with_what_this_home_holds():
    main = devices.main_memory([os.getpid(), os.getpid()])
    assert main.kind == "cpu"
    assert main.total_bytes == psutil.virtual_memory().total
    assert main.own_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_a_process_that_is_gone_holds_nothing():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert devices.main_memory([gone.pid]).own_bytes == 0


def test_the_main_memory_is_always_the_last_of_the_devices():
    assert devices.read([])[-1].kind == "cpu"


def test_torch_is_not_needed_for_the_main_memory():
    code = "import sys; from studio_kernel.estimates.vram.devices import main_memory; main_memory([])"
    code += "; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
