"""What may stand in a catalog file.

One form for every file, shipped or the user's own: up to eight sections, each a mapping from id to entry. These types
are the only description of that form: the reader decodes into them, the JSON schema for editors is generated from
them, and unknown fields are mistakes. A field left out is ``UNSET``, so that an entry can change a single one.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from studio_kernel.domain.parameters import Group, ParameterType
from studio_kernel.domain.presets import ExportFormat, Fit
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Scalar

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")]
Day = Annotated[str, Meta(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?)?$", description="A date as far as known: 2026-11-21.")]
Tasks = Annotated[tuple[Task, ...], Meta(description="What it can be asked to do; the first is the default.")]
Schedulers = Annotated[
    tuple[str, ...], Meta(description="Ids of schedulers, or groups of them; '-id' leaves one of a group out.")
]
Repository = Annotated[str, Meta(pattern="^[^/ ]+/[^/ ]+$", description="A model hub repository, owner/name.")]
Pixels = Annotated[int, Meta(ge=1)]
ExportPixels = Annotated[int, Meta(ge=1, le=20_000)]
ReadFrom = Annotated[tuple[str, ...], Meta(description="Where the facts of this entry were read.")]


class ParameterEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter: changes of the standard one of that name, or, with a `type`, one that is complete by itself."""

    type: ParameterType | UnsetType = UNSET
    label: str | UnsetType = UNSET
    default: Any = UNSET
    min: int | float | UnsetType | None = UNSET
    max: int | float | UnsetType | None = UNSET
    step: int | float | UnsetType | None = UNSET
    choices: tuple[Scalar, ...] | UnsetType = UNSET
    choice_labels: tuple[str, ...] | UnsetType = UNSET
    open_choices: bool | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    group: Group | UnsetType = UNSET
    description: str | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    max_length: int | UnsetType | None = UNSET
    multiple: bool | UnsetType = UNSET
    max_items: int | UnsetType | None = UNSET
    tasks: tuple[Task, ...] | UnsetType = UNSET
    sent_as: Annotated[str, Meta(description="What the service calls it, where that is another name.")] | UnsetType = (
        UNSET
    )
    from_run: (
        Annotated[str, Meta(pattern=r"^\w+$", description="Its value is what an earlier run reported under this name.")]
        | UnsetType
    ) = UNSET
    from_models: Annotated[tuple[str, ...], Meta(description="Models whose runs count for that.")] | UnsetType = UNSET
    from_where: Annotated[dict[str, Scalar], Meta(description="Parameter: its value in such a run.")] | UnsetType = (
        UNSET
    )


Parameters = Annotated[
    dict[str, ParameterEntry | None],
    Meta(description="Name: what differs from the standard parameter of that name; nothing = as it is."),
]


When = Annotated[
    dict[str, Any],
    Meta(description="Parameter: its value, or a list of which it is one; null = it is left out."),
]
Given = Annotated[tuple[str, ...], Meta(description="Parameters that are not left out.")]
Between = Annotated[
    dict[str, tuple[float | None, float | None]],
    Meta(
        description="Quantity: [above, up to], either may be null. seconds, megapixels and short_side (pixels) of what "
        "comes out, or a parameter that is a number."
    ),
]


class PriceTermEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """An amount that holds under a condition: everything in `when`, `given` and `between`."""

    amount_usd: Annotated[float, Meta(ge=0)]
    unit: Annotated[str, Meta(description="What is counted, where it is not the unit of the price.")] = ""
    when: When = {}
    given: Given = ()
    between: Between = {}
    after: Annotated[float, Meta(ge=0, description="So many units cost nothing.")] = 0.0
    condition: Annotated[str, Meta(description="The condition in words.")] = ""
    in_words_only: Annotated[bool, Meta(description="It is shown and never counted.")] = False
    assumes: Annotated[str, Meta(description="What is taken for granted when it is counted.")] = ""


class PriceFactorEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What an amount is multiplied with under a condition."""

    factor: Annotated[float, Meta(gt=0)]
    when: When = {}
    given: Given = ()
    between: Between = {}


class TokenPricesEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """US dollars per million tokens."""

    text_input_usd: Annotated[float, Meta(ge=0)] = 0.0
    image_input_usd: Annotated[float, Meta(ge=0)] = 0.0
    image_output_usd: Annotated[float, Meta(ge=0)] = 0.0
    text_output_usd: Annotated[float, Meta(ge=0)] = 0.0


class PriceEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What a service charges, where and when that was read."""

    unit: str = ""
    amount_usd: Annotated[float, Meta(ge=0)] | None = None
    as_of: Day = ""
    source: str = ""
    variants: Annotated[tuple[PriceTermEntry, ...], Meta(description="Amounts that hold instead.")] = ()
    note: str = ""
    further_usd: (
        Annotated[float, Meta(ge=0, description="The amount of each unit after the first, where it is another.")] | None
    ) = None
    extras: Annotated[tuple[PriceTermEntry, ...], Meta(description="What comes on top, in units of their own.")] = ()
    factors: tuple[PriceFactorEntry, ...] = ()
    step: Annotated[float, Meta(ge=0, description="Units are rounded up to a multiple of it.")] = 0.0
    frames_per_second: Annotated[float, Meta(ge=0, description="So many frames are a second that is charged.")] = 0.0
    seconds_from: Annotated[tuple[str, ...], Meta(description="Files whose length counts, the longest of them.")] = ()
    seconds_factor: Annotated[float, Meta(gt=0, description="Seconds count so many times.")] = 1.0
    most_seconds: Annotated[float, Meta(ge=0, description="What is longer is cut to that before.")] = 0.0
    counts_inputs: Annotated[bool, Meta(description="The megapixels of given pictures count too.")] = False
    counts_frames: Annotated[bool, Meta(description="Megapixels are those of all frames together.")] = False
    only_when: Annotated[When, Meta(description="For what the amount was read; there is none for anything else.")] = {}
    only_between: Between = {}
    assumes: Annotated[str, Meta(description="What is taken for granted in counting.")] = ""
    is_tentative: Annotated[bool, Meta(description="The source itself is not sure.")] = False
    tokens: (
        Annotated[TokenPricesEntry, Meta(description="What is charged for the tokens that the service counts.")] | None
    ) = None


class FamilyEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What the models of one family have in common."""

    name: str = ""
    based_on: Annotated[str, Meta(description="Another family; this one states what differs.")] = ""
    engine: str = ""
    tasks: Tasks = ()
    schedulers: Schedulers = ()
    parameters: Parameters = {}
    without: Annotated[tuple[str, ...], Meta(description="Parameters of `based_on` that this family lacks.")] = ()
    description: str = ""
    as_of: Day = ""
    read_from: ReadFrom = ()


class OfferEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A service that has the model, by the entry of the service's own model."""

    model: Annotated[str, Meta(description="The id of that entry.")]
    names: Annotated[dict[str, str], Meta(description="Parameter here: its name there.")] = {}
    values: Annotated[dict[str, dict[str, Any]], Meta(description="Parameter here: {value here: value there}.")] = {}
    fixed: Annotated[dict[str, Any], Meta(description="Parameter there: what it always is.")] = {}


class ModelEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A model; exactly one of `path`, `file`, `hub`, `endpoint` and `offers` says where it is."""

    name: Annotated[str, Meta(description="What people see; the id when left out.")] = ""
    creator: str = "unknown"
    family: Annotated[str, Meta(description="A family, for its engine, tasks, schedulers and parameters.")] = ""
    engine: Annotated[str, Meta(description="What runs it; the family's when left out.")] = ""
    path: Annotated[str, Meta(description="A diffusers directory.")] = ""
    file: Annotated[str, Meta(description="A single-file checkpoint (.safetensors).")] = ""
    hub: Annotated[str, Meta(pattern="^([^/ ]+/[^/ ]+)?$", description="A model hub repository, owner/name.")] = ""
    endpoint: Annotated[str, Meta(description="The address of a remote model at its service.")] = ""
    revision: Annotated[str, Meta(description="Commit or tag of a hub repository.")] = ""
    variant: Annotated[str, Meta(description="Weight variant of a diffusers repository, such as fp16.")] = ""
    tasks: Tasks = ()
    recommended: Annotated[tuple[Task, ...], Meta(description="Tasks it is a good first choice for.")] = ()
    schedulers: Schedulers = ()
    parameters: Parameters = {}
    without: Annotated[tuple[str, ...], Meta(description="Parameters of the family that this model lacks.")] = ()
    description: str = ""
    licence: str = ""
    homepage: str = ""
    as_of: Day = ""
    read_from: ReadFrom = ()
    price: PriceEntry | None = None
    retired_on: Annotated[date, Meta(description="The service ends or ended it on that day.")] | None = None
    availability: str = ""
    note: str = ""
    output: dict[str, Any] | None = None
    tips: Annotated[str, Meta(description="Tips to show; those of its repository or family when left out.")] = ""
    hidden: bool = False
    offers: Annotated[tuple[OfferEntry, ...], Meta(description="The services that have it, in place of a source.")] = ()


class SchedulerEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A scheduler: a class of diffusers and the options that make it what people call by this name."""

    name: str
    class_name: Annotated[str, Meta(description="The diffusers class, such as EulerDiscreteScheduler.")]
    group: Annotated[str, Meta(description="Models name all schedulers of a group at once.")] = "diffusion"
    options: Annotated[dict[str, Scalar], Meta(description="Set over the model's own scheduler configuration.")] = {}
    description: str = ""
    aliases: Annotated[tuple[str, ...], Meta(description="Names other programs use.")] = ()


class LoraEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A low-rank adapter."""

    file: Annotated[str, Meta(description="A .safetensors file.")]
    name: str = ""
    family: Annotated[str, Meta(description="The model family it was trained for.")] = ""
    triggers: Annotated[tuple[str, ...], Meta(description="Words that call it up in a prompt.")] = ()
    description: str = ""
    licence: str = ""


class VramEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A published peak of device memory, without offloading or quantisation, one picture or clip at a time."""

    gib: Annotated[float, Meta(gt=0, description="GiB, 2^30 bytes.")]
    width: Pixels
    height: Pixels
    frames: Annotated[int, Meta(ge=1)] | None = None
    dtype: str = ""
    metric: Annotated[str, Meta(description="What was counted, such as peak max_memory_allocated.")] = ""
    quality: Annotated[str, Meta(description="measured, doc_stated or vendor_stated.")] = ""
    source: str = ""
    note: str = ""


class TipsEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """What is known to work well with a model; shown with the models of its repositories and families."""

    name: Annotated[str, Meta(description="The model it is about; the id when left out.")] = ""
    hub: Annotated[tuple[Repository, ...], Meta(description="Repositories it holds for, owner/name.")] = ()
    families: Annotated[tuple[str, ...], Meta(description="Families it holds for, and those based on them.")] = ()
    values: Annotated[dict[str, Scalar], Meta(description="Parameter: recommended value.")] = {}
    ranges: Annotated[
        dict[str, tuple[float, float]], Meta(description="Parameter: lowest and highest recommended value.")
    ] = {}
    sizes: Annotated[tuple[tuple[Pixels, Pixels], ...], Meta(description="Widths and heights it was made for.")] = ()
    multiple: Annotated[int, Meta(ge=1, description="Width and height are multiples of it.")] | None = None
    examples: Annotated[tuple[str, ...], Meta(description="Prompts it is known to draw.")] = ()
    triggers: Annotated[tuple[str, ...], Meta(description="Words that call up what it was trained on.")] = ()
    frame_rule: Annotated[str, Meta(description="Numbers of frames it takes, such as 4k+1.")] = ""
    weights_gib: Annotated[float, Meta(gt=0, description="All networks at two bytes a weight.")] | None = None
    vram: VramEntry | None = None
    notes: tuple[str, ...] = ()
    licence: str = ""
    as_of: Day = ""
    read_from: ReadFrom = ()


class PresetEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a request to begin with; what a model does not take of it is left out."""

    name: Annotated[str, Meta(description="What people see; the id when left out.")] = ""
    description: str = ""
    task: Annotated[Task | None, Meta(description="The task it is for; any when left out.")] = None
    model: Annotated[str, Meta(description="A model; any that takes the values when left out.")] = ""
    shape: Annotated[
        str, Meta(pattern=r"^([1-9]\d{0,3}:[1-9]\d{0,3})?$", description="Proportions, width:height, such as 2:3.")
    ] = ""
    factors: Annotated[
        dict[str, Annotated[float, Meta(gt=0)]],
        Meta(description="Parameter: what the model's own default is multiplied with."),
    ] = {}
    values: Annotated[dict[str, Any], Meta(description="Parameter: its value.")] = {}


class StyleEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A prompt with gaps."""

    text: Annotated[str, Meta(description="The prompt; {prompt} and other names in braces are its fields.")]
    name: Annotated[str, Meta(description="What people see; the id when left out.")] = ""
    description: str = ""
    defaults: Annotated[dict[str, str], Meta(description="Field: what it holds when nothing is given.")] = {}


class ExportPresetEntry(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """How a picture leaves the studio."""

    name: Annotated[str, Meta(description="What people see; the id when left out.")] = ""
    description: str = ""
    format: Annotated[ExportFormat, Meta(description="original copies the file as it is.")] = "original"
    width: ExportPixels | None = None
    height: ExportPixels | None = None
    fit: Annotated[
        Fit, Meta(description="inside: all of it, no larger; cover: fill the frame and cut; pad: fill up with colour.")
    ] = "inside"
    enlarge: Annotated[bool, Meta(description="Whether a smaller picture is made larger.")] = False
    turns: Annotated[bool, Meta(description="Width and height change places for a picture that lies.")] = False
    dpi: Annotated[int, Meta(ge=1, le=4800, description="Dots per inch at full size.")] | None = None
    quality: Annotated[int, Meta(ge=1, le=100, description="Of JPEG and WebP.")] = 90
    background: Annotated[
        str, Meta(pattern=r"^#[0-9a-fA-F]{6}$", description="A colour, #rrggbb, in quotes: behind and around.")
    ] = "#ffffff"
    metadata: Annotated[bool, Meta(description="Whether prompt, settings and versions go into the file.")] = True


class CatalogFile(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=True):
    """A catalog file; every section may be left out."""

    families: dict[Id, FamilyEntry] = {}
    schedulers: dict[Id, SchedulerEntry] = {}
    loras: dict[Id, LoraEntry] = {}
    tips: dict[Id, TipsEntry] = {}
    models: dict[Id, ModelEntry] = {}
    presets: dict[Id, PresetEntry] = {}
    styles: dict[Id, StyleEntry] = {}
    export_presets: dict[Id, ExportPresetEntry] = {}


def stated(entry: ParameterEntry) -> dict[str, Any]:
    """Return the fields that `entry` states."""
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return {name: value for name, value in values.items() if value is not UNSET}
