"""Records of runs as JSON."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from strategies import estimates, mappings, names, requests, texts, uuids
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus
from studio_kernel.domain.values import freeze

origins = st.builds(
    Origin,
    project=st.none() | names,
    sweep_id=st.none() | uuids,
    cell=mappings().map(freeze),
    parent_id=st.none() | uuids,
    prompt_template=st.none() | texts,
)


@given(requests(), origins, estimates)
def test_a_record_survives_json_with_where_it_comes_from_and_what_was_expected(request, origin, estimate):
    record = RunRecord(
        "1", request, "procedural", RunStatus.QUEUED, datetime.now(UTC), origin=origin, estimate=estimate
    )
    assert RunRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


@given(requests())
def test_a_record_of_an_earlier_version_has_no_template(request):
    told = RunRecord("1", request, "procedural", RunStatus.QUEUED, datetime.now(UTC)).to_json()
    del told["origin"]["prompt_template"]
    assert RunRecord.from_json(told).origin.prompt_template is None


@given(requests())
def test_a_record_of_an_earlier_version_has_no_estimate(request):
    told = RunRecord("1", request, "procedural", RunStatus.QUEUED, datetime.now(UTC)).to_json()
    del told["estimate"]
    assert RunRecord.from_json(told).estimate is None
