"""What is planned for which photo, model, device and memory; devices are only described."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import pytest

from lgbpn_cli.config import NETWORKS, PUBLISHED, InferenceConfig, NetworkConfig, StudentConfig
from lgbpn_cli.errors import DeviceError, UsageError
from lgbpn_cli.inference.plan import BAND_PX, TILES_PX, Plan, plan_inference
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student

GB = 1_000_000_000
LARGE = (8000, 12_000)


@dataclass(frozen=True)
class Described(Device):
    """A device with so much free memory."""

    free: int | None = 64 * GB

    def free_bytes(self) -> int | None:
        return self.free


CPU = Described("cpu", "CPU", fast_bfloat16=False)
GPU = Described("cuda:0", "Big GPU (cuda:0)", fast_bfloat16=True)
OLD_GPU = Described("cuda:0", "Old GPU (cuda:0)", fast_bfloat16=False)
MPS = Described("mps", "Apple GPU (mps)", fast_bfloat16=False)


def model_on(device: Device, shape: StudentConfig | NetworkConfig = StudentConfig()) -> Model:  # noqa: B008
    return Model("model", "0" * 64, "sidd", network_of(shape), device)


@cache
def network_of(shape: StudentConfig | NetworkConfig) -> Student | LGBPN:
    """A network that is only looked at: what it weighs and how far it sees."""
    return Student(shape) if isinstance(shape, StudentConfig) else LGBPN(shape)


def plan(
    model: Model, size: tuple[int, int] = LARGE, *, held: int = 0, around: int = 0, **settings: object
) -> Plan:
    config = InferenceConfig(**settings)  # type: ignore[arg-type]
    return plan_inference(*size, model, config, held_bytes=held, around_bytes=around)


def test_with_much_memory_tiles_are_as_large_as_is_useful() -> None:
    assert plan(model_on(CPU)).tile_px == 1024
    assert plan(model_on(CPU, NETWORKS["small"])).tile_px == 504  # the grid of the sidd preset is 12 px
    assert plan(model_on(GPU)).tile_px == 2048


@pytest.mark.parametrize("free", [12 * GB, 6 * GB, 3 * GB, 2 * GB])
def test_the_plan_stays_inside_the_free_memory_with_the_largest_tile_that_does(free: int) -> None:
    model = model_on(replace(GPU, free=free), PUBLISHED)
    chosen = plan(model)
    assert chosen.expected_bytes <= 0.6 * free
    larger = TILES_PX[max(0, TILES_PX.index(next(t for t in TILES_PX if t <= chosen.tile_px + 12)) - 1)]
    assert larger == 2048 or plan(model, tile_px=larger).expected_bytes > 0.6 * free


def test_memory_that_is_set_counts_instead_of_what_is_free() -> None:
    small = plan(model_on(CPU), max_memory_bytes=6 * GB // 10)
    assert small.expected_bytes <= 6 * GB // 10
    assert small.tile_px < plan(model_on(CPU)).tile_px
    assert plan(model_on(replace(CPU, free=GB)), max_memory_bytes=8 * GB).tile_px == 1024


def test_what_the_photo_holds_counts_on_the_cpu_and_not_on_a_gpu() -> None:
    cpu, gpu = model_on(CPU), model_on(GPU)
    assert plan(cpu, held=GB).expected_bytes - plan(cpu).expected_bytes >= GB
    assert plan(gpu, held=GB) == plan(gpu)


def test_reading_and_writing_count_where_they_take_more_than_the_network_does() -> None:
    cpu, gpu = model_on(CPU), model_on(GPU)
    whole = plan(cpu, around=6 * GB)
    assert 6 * GB < whole.expected_bytes < 7 * GB
    assert plan(cpu, around=GB // 10) == plan(cpu)
    assert whole.tile_px == plan(cpu).tile_px
    assert plan(gpu, around=6 * GB) == plan(gpu)


def test_a_result_that_cannot_be_written_within_the_limit_is_refused_before_the_network_runs() -> None:
    with pytest.raises(
        UsageError, match=r"`max_memory_bytes` 2000MB: .* needs about \d+ MB to be read and written"
    ):
        plan(model_on(CPU), around=2 * GB, max_memory_bytes=2 * GB)


def test_too_little_memory_is_a_wrong_command_that_says_how_much_is_needed() -> None:
    with pytest.raises(
        UsageError, match=r"`max_memory_bytes` 10MB: a photo of 96.0 megapixels needs about \d+ MB"
    ):
        plan(model_on(CPU), max_memory_bytes=10_000_000)
    with pytest.raises(UsageError, match="smaller `tile_px`"):
        plan(model_on(CPU), max_memory_bytes=GB, tile_px=4096)


def test_too_little_free_memory_is_tried_with_the_smallest_tile() -> None:
    assert plan(model_on(replace(CPU, free=GB // 10))).tile_px == min(TILES_PX)


def test_where_free_memory_is_unknown_tiles_are_as_large_as_is_useful() -> None:
    assert plan(model_on(replace(CPU, free=None))).tile_px == 1024


def test_a_tile_that_is_asked_for_is_taken_on_the_networks_grid() -> None:
    assert plan(model_on(CPU), tile_px=300).tile_px == 288
    assert plan(model_on(CPU), tile_px=70).tile_px == 64


def test_a_halo_is_rounded_up_to_the_grid_and_never_beyond_the_reach_by_itself() -> None:
    assert plan(model_on(CPU), halo_px=50).halo_px == 64
    tiny = StudentConfig(widths=(4, 4))
    assert plan(model_on(CPU, tiny)).halo_px == tiny.reach_px < 96


def test_a_small_photo_needs_memory_for_itself_only() -> None:
    model = model_on(CPU)
    assert plan(model, (100, 100)).expected_bytes < plan(model, (1000, 1000)).expected_bytes


def test_auto_precision_is_that_of_the_device() -> None:
    assert [plan(model_on(device)).precision for device in (CPU, GPU, OLD_GPU, MPS)] == [
        "float32",
        "bfloat16",
        "float32",
        "float32",
    ]


def test_half_the_bits_need_less_memory() -> None:
    model = model_on(CPU)
    half, full = plan(model, precision="bfloat16"), plan(model, precision="float32")
    assert half.expected_bytes < full.expected_bytes


@pytest.mark.parametrize(
    ("device", "precision"), [(OLD_GPU, "bfloat16"), (MPS, "bfloat16"), (MPS, "float16")]
)
def test_a_precision_that_the_device_has_not_is_refused(device: Device, precision: str) -> None:
    with pytest.raises(DeviceError, match=f"`precision` {precision}: .* cannot compute in it"):
        plan(model_on(device), precision=precision)


def test_views_share_calls_on_gpus_with_room_for_them() -> None:
    assert plan(model_on(GPU), quality="best").batch == 4
    assert plan(model_on(GPU), quality="fast").batch == 1
    assert plan(model_on(CPU), quality="best").batch == 1


def test_a_smaller_plan_first_gives_up_shared_calls_and_then_half_of_the_tile() -> None:
    chosen: Plan | None = plan(model_on(GPU), quality="best", tile_px=256)
    steps = []
    while chosen is not None:
        steps.append((chosen.batch, chosen.tile_px))
        chosen = chosen.smaller()
    assert steps == [(4, 256), (1, 256), (1, 128), (1, 64), (1, 32)]


def test_a_large_photo_goes_through_a_student_in_bands_on_the_cpu() -> None:
    photo = (4000, 6000)
    assert plan(model_on(CPU), photo).band_px == BAND_PX
    assert str(plan(model_on(CPU), photo)).startswith(f"cpu, float32, bands of {BAND_PX} rows, about ")
    # Elsewhere, and where a tile was asked for, in tiles: views are turned, and small photos are one tile.
    for settings in ({"quality": "best"}, {"tile_px": 512}, {"halo_px": 96}):
        assert plan(model_on(CPU), photo, **settings).band_px is None
    assert plan(model_on(CPU), (1000, 1024)).band_px is None
    assert plan(model_on(CPU), (8, 6000)).band_px is None
    assert plan(model_on(GPU), photo).band_px is None
    assert plan(model_on(CPU, NETWORKS["small"]), photo).band_px is None


def test_bands_are_left_for_tiles_where_they_take_too_much_memory() -> None:
    allowed = plan(model_on(CPU), (4000, 6000)).expected_bytes
    assert plan(model_on(CPU), (4000, 6000), max_memory_bytes=allowed).band_px == BAND_PX
    limited = plan(model_on(CPU), (4000, 6000), max_memory_bytes=allowed - 1)
    assert limited.band_px is None
    assert limited.expected_bytes < allowed
    assert plan(model_on(CPU), (6000, 20_000)).band_px is None


def test_a_smaller_plan_of_bands_is_one_of_tiles() -> None:
    banded = plan(model_on(CPU), (4000, 6000))
    assert banded.smaller() == replace(banded, band_px=None)


def test_a_plan_reads_as_a_line() -> None:
    text = str(plan(model_on(CPU), tile_px=512))
    assert text.startswith("cpu, float32, tiles of 512 px with a halo of 96 px, about ")
    assert text.endswith(" GB of memory")
