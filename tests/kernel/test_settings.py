"""What a home's settings.toml says."""

import pytest

from studio_kernel.errors import SettingsError
from studio_kernel.settings import Home, Settings, WorkerSettings


def test_a_home_without_the_file_has_the_defaults(tmp_path):
    assert Home(tmp_path).settings() == Settings()


def test_what_the_file_leaves_out_stays_as_it_is(tmp_path):
    (tmp_path / "settings.toml").write_text('[worker]\ndevice = "cpu"\nfree_after_s = 5\n')
    assert Home(tmp_path).settings().worker == WorkerSettings(device="cpu", free_after_s=5.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[worker]\nfree_after_s = -1", "free_after_s is -1.0; give seconds, more than 0"),
        ("[worker]\nfree_aftr_s = 1", "free_aftr_s"),
        ("[worker]\ndevice = 3", "Expected `str`"),
        ('[worker]\nafter_crash = "cry"', "cry"),
        ("[budget]\nday_usd = -1", "day_usd is -1.0; give US dollars, 0 or more"),
        ("[budget.projects]\nposter = -2.5", "projects.poster is -2.5"),
        ("[budget]\nrun_usd = inf", "run_usd is inf"),
        ("[budget]\nwarn_at = 80", "warn_at is 80.0; give a share"),
        ("[budget]\nmonth_usd = 3", "month_usd"),
        ('[budget]\nday_usd = "much"', "float"),
        ("[worker", "settings.toml"),
    ],
)
def test_a_mistake_is_named_with_the_file_and_what_is_allowed(tmp_path, text, said):
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SettingsError, match=said) as raised:
        Home(tmp_path).settings()
    assert "after_crash" in str(raised.value)
    assert "sweep_usd" in str(raised.value)
    assert str(tmp_path) in str(raised.value)


def test_a_project_has_its_own_budget_or_that_of_all(tmp_path):
    (tmp_path / "settings.toml").write_text("[budget]\nproject_usd = 5\n[budget.projects]\nposter = 20\n")
    budget = Home(tmp_path).settings().budget
    assert (budget.for_project("poster"), budget.for_project("other")) == (20.0, 5.0)
    assert not budget.is_unlimited
    assert Settings().budget.is_unlimited
