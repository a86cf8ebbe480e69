"""What is repeated, what is refused, and what a report says."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image

import media
import studio_kernel as sk
from engines import GatedEngine, PaidEngine, install_gated, install_paid
from pictures import png
from studio_kernel.assets.embed import embed, read
from studio_kernel.domain.events import Finished, Produced, Started
from studio_kernel.domain.presets import ExportPreset
from studio_kernel.domain.provenance import Provenance
from studio_kernel.domain.values import freeze
from studio_kernel.errors import InvalidInputError, ReadOnlyError, ReplayRefusedError, RunFailedError, UnknownRunError
from studio_kernel.replaying import Tolerance

QUICK = {"model": "procedural", "num_inference_steps": 2, "width": 32, "height": 32, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


@pytest.fixture
def fresh(tmp_path):
    """Another home, in which nothing was made."""
    with sk.open(tmp_path / "fresh") as studio:
        yield studio


def copy_of(run, path):
    return shutil.copy(run.files[0], path)


def test_a_replay_is_a_new_run_that_names_the_old_one(studio):
    run = studio.generate("a boat", seed=1, project="harbour", **QUICK)
    report = studio.replay(run, progress=False)
    repeated = studio.run(report.run).record
    assert report.recorded_run == run.id
    assert repeated.id != run.id
    assert (repeated.origin.parent_id, repeated.origin.project) == (run.id, "harbour")
    assert repeated.request == run.request


def test_a_cell_of_a_sweep_is_not_repeated_as_a_cell(studio):
    sweep = studio.sweep("a boat", axes={"seed": [1, 2]}, **{k: v for k, v in QUICK.items() if k != "progress"}).wait()
    report = studio.replay(sweep.runs[0], progress=False)
    assert studio.run(report.run).record.origin.sweep_id is None
    assert report.verdict == "identical"


def test_a_file_is_repeated_in_a_home_that_knows_nothing_of_it(studio, fresh, tmp_path):
    file = copy_of(studio.generate("a boat", seed=1, **QUICK), tmp_path / "boat.png")
    report = fresh.replay(file, progress=False)
    assert (report.verdict, report.numbers.same_bytes, report.recorded_run) == ("identical", True, None)
    assert report.original == "boat.png"


def test_one_file_of_several_is_compared_with_its_own(studio, fresh, tmp_path):
    run = studio.generate("a boat", seed=1, num_images=3, **QUICK)
    file = shutil.copy(run.files[2], tmp_path / "third.png")
    assert fresh.replay(file, progress=False).numbers.same_bytes


def test_an_imported_file_that_tells_how_it_was_made_is_repeated(studio, fresh, tmp_path):
    file = copy_of(studio.generate("a boat", seed=1, **QUICK), tmp_path / "boat.png")
    [imported] = fresh.import_files([file])
    report = fresh.replay(imported, progress=False)
    assert (report.verdict, report.recorded_run) == ("identical", imported.id)


def test_a_provenance_is_run_again_without_a_file_to_compare_with(studio):
    run = studio.generate("a boat", seed=1, **QUICK)
    report = studio.replay(read(run.files[0].read_bytes()), progress=False)
    assert (report.verdict, report.numbers) == ("not compared", None)
    assert "no file to compare with" in report.text


@pytest.mark.parametrize(("format_", "side"), [("jpeg", None), ("webp", None), ("png", 64)])
def test_a_copy_in_another_format_or_size_is_compared_as_a_copy(studio, fresh, tmp_path, format_, side):
    run = studio.generate("a boat", seed=1, **{**QUICK, "width": 128, "height": 128})
    preset = ExportPreset("copy", "Copy", format=format_, width=side, height=side, quality=92)
    [file] = studio.export(run, tmp_path / "out", preset)
    report = fresh.replay(file, progress=False)
    assert report.verdict == "within tolerance"
    assert report.numbers.psnr_db > 35
    assert "copy in another format or size" in report.text
    assert (report.explained, report.differs) == ("yes", ())


def changed(run, path, **environment):
    """A copy of a run's file that says of itself that it was made under other conditions."""
    data = run.files[0].read_bytes()
    told = read(data)
    path.write_bytes(embed(data, Provenance(told.request, told.engine, freeze({**told.environment, **environment}))))
    return path


def test_another_version_of_a_package_is_named(studio, fresh, tmp_path):
    file = changed(studio.generate("a boat", seed=1, **QUICK), tmp_path / "old.png", numpy="1.26.4")
    report = fresh.replay(file, progress=False)
    assert [change.name for change in report.differs] == ["numpy"]
    assert report.verdict == "identical"
    assert not report.numbers.same_bytes
    assert "What differs has changed nothing." in report.text


def test_what_was_not_recorded_is_told_apart_from_what_differs(studio, fresh, tmp_path):
    data = studio.generate("a boat", seed=1, **QUICK).files[0].read_bytes()
    told = read(data)
    old = {name: told.environment[name] for name in ("numpy", "pillow")}
    (tmp_path / "old.png").write_bytes(embed(data, Provenance(told.request, told.engine, freeze(old))))
    report = fresh.replay(tmp_path / "old.png", progress=False)
    assert report.differs == ()
    assert report.changes.unrecorded == ("algorithm", "model card", "studio version")
    assert "Not recorded then: algorithm, model card, studio version." in report.text


def test_a_file_whose_pixels_were_changed_is_different_and_nothing_explains_it(studio, fresh, tmp_path):
    run = studio.generate("a boat", seed=1, **QUICK)
    picture = Image.open(run.files[0]).convert("RGB")
    picture.putpixel((3, 4), tuple(255 - value for value in picture.getpixel((3, 4))))
    picture.save(tmp_path / "plain.png")
    data = embed((tmp_path / "plain.png").read_bytes(), read(run.files[0].read_bytes()))
    (tmp_path / "changed.png").write_bytes(data)
    report = fresh.replay(tmp_path / "changed.png", progress=False)
    assert (report.verdict, report.explained) == ("different", "no")
    assert report.numbers.share == pytest.approx(1 / (32 * 32))
    assert "No recorded input differs, so something that is not recorded does" in report.text
    assert fresh.replay(tmp_path / "changed.png", tolerance=Tolerance(10, 255), progress=False).is_repeated


def test_a_report_is_json_and_a_page(studio):
    report = studio.replay(studio.generate("a boat", seed=1, **QUICK), progress=False)
    assert json.loads(json.dumps(report.to_json()))["verdict"] == "identical"
    assert "identical, byte for byte" in report._repr_html_()


def test_inputs_that_are_here_are_used_and_missing_ones_are_asked_for(studio, fresh, tmp_path):
    run = studio.generate(
        "at night", image=png(3), seed=1, strength=0.5, **{k: QUICK[k] for k in ("model", "progress")}
    )
    file = copy_of(run, tmp_path / "night.png")
    assert studio.replay(file, progress=False).verdict == "identical"
    with pytest.raises(ReplayRefusedError, match=r"does not have, given as image; bring them in first") as refused:
        fresh.replay(file, progress=False)
    assert "studio import FILE" in str(refused.value)
    source = studio.assets.path(run.request.parameters["image"])
    fresh.import_files([source])
    assert fresh.replay(file, progress=False).verdict == "identical"


def test_a_private_run_is_repeated_in_private_and_by_nobody_else(home):
    with sk.open(home) as studio, sk.open(home) as other:
        run = studio.generate("a secret", seed=1, private=True, **QUICK)
        report = studio.replay(run, progress=False)
        assert report.verdict == "identical"
        assert studio.is_private(report.run)
        with pytest.raises(ReplayRefusedError, match="was private"):
            other.replay(run.id, progress=False)


def test_what_cannot_be_repeated_is_refused_in_words(studio, tmp_path):
    (tmp_path / "plain.png").write_bytes(png(1))
    [imported] = studio.import_files([tmp_path / "plain.png"])
    for what in (imported, tmp_path / "plain.png"):
        with pytest.raises(ReplayRefusedError, match="holds no provenance of the studio"):
            studio.replay(what)
    with pytest.raises(InvalidInputError, match="there is no file"):
        studio.replay(tmp_path / "nothing.png")
    with pytest.raises(InvalidInputError, match="there is no file"):
        studio.replay("nothing.png")
    with pytest.raises(UnknownRunError):
        studio.replay("0199-not-here")
    assert studio.count() == 1


def test_a_model_that_is_gone_is_refused_in_words(studio, tmp_path):
    data = studio.generate("a boat", seed=1, **QUICK).files[0].read_bytes()
    told = read(data)
    gone = Provenance(type(told.request)("gone", told.request.task, told.request.parameters), "procedural")
    (tmp_path / "gone.png").write_bytes(embed(data, gone))
    with pytest.raises(ReplayRefusedError, match="'gone', which the catalog does not have"):
        studio.replay(tmp_path / "gone.png")


def test_settings_that_the_model_no_longer_takes_are_refused_in_words(studio, tmp_path):
    data = studio.generate("a boat", seed=1, **QUICK).files[0].read_bytes()
    told = read(data)
    (tmp_path / "odd.png").write_bytes(embed(data, Provenance(told.request.replace(sharpness=3), "procedural")))
    with pytest.raises(ReplayRefusedError, match="does not take its settings any more: sharpness"):
        studio.replay(tmp_path / "odd.png")


def test_a_run_without_a_result_is_refused_and_a_replay_that_fails_says_why(home, picture):
    engine = GatedEngine(picture)
    engine.let()
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        failed = studio.generate("fail", model="gated", progress=False)
        with pytest.raises(ReplayRefusedError, match="has failed and made nothing to compare; retry it"):
            studio.replay(failed)
        good = studio.generate("a boat", model="gated", progress=False)
        good.files[0].unlink()
        with pytest.raises(ReplayRefusedError, match="is gone, so there is nothing to compare with"):
            studio.replay(good)


class Breaking(GatedEngine):
    """Fails from the second run on."""

    def stream(self, request, context):
        yield from super().stream(request if not self.requests else request.replace(prompt="fail"), context)


def test_a_replay_that_fails_says_why(home, picture):
    engine = Breaking(picture)
    engine.let()
    install_gated(home)
    with sk.open(home, engines=[engine]) as studio:
        run = studio.generate("a boat", model="gated", progress=False)
        with pytest.raises(RunFailedError, match="which failed: the engine could not"):
            studio.replay(run, progress=False)


def test_a_viewer_cannot_replay(studio, home):
    run = studio.generate("a boat", seed=1, **QUICK)
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.replay(run.id)


def test_a_service_without_seed_is_asked_only_after_a_yes(home, picture):
    engine = PaidEngine(picture)
    engine.let()
    install_paid(home, "")
    catalog = next((home / "catalog").glob("*.yaml"))
    catalog.write_text(catalog.read_text().replace(", seed: ,", ",", 1))
    with sk.open(home, engines=[engine]) as studio:
        run = studio.generate("a boat", model="paid", progress=False)
        with pytest.raises(
            ReplayRefusedError, match=r"chooses at random.*charge for it \(about 0.5 US\$\); accept=True"
        ):
            studio.replay(run)
        assert len(engine.requests) == 1
        report = studio.replay(run, accept=True, progress=False)
        assert "A service made it" in report.text
        assert len(engine.requests) == 2


class Filming(GatedEngine):
    """Makes one film after the other."""

    def __init__(self, *films):
        super().__init__(b"")
        self.films = list(films)

    def stream(self, request, _context):
        yield Started({"device": "none"})
        yield Produced(self.films.pop(0), "video/mp4", seed=request.seed)
        yield Finished()


@pytest.mark.parametrize(
    ("again", "verdict"), [({}, "identical"), ({"dark": 4}, "different"), ({"frames": 9}, "different")]
)
def test_films_are_compared_frame_by_frame(home, again, verdict):
    install_gated(home)
    first, second = media.film("mp4"), media.film("mp4", **again)
    with sk.open(home, engines=[Filming(first, second)]) as studio:
        report = studio.replay(studio.generate("a boat", model="gated", progress=False), progress=False)
    assert report.verdict == verdict
