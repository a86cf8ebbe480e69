-- Version 6: what people say when two runs are put before them, and numbers measured of files.

-- A row appears with the first event of its id, which can be a retraction: `votes` shows it once there is a vote.
CREATE TABLE vote_rows (
  id UUID NOT NULL,
  -- the first "vote" event
  created_at TIMESTAMP, rater VARCHAR, left_run UUID, right_run UUID, choice VARCHAR, ballot VARCHAR, seconds DOUBLE,
  -- the first "retract" event
  retracted_at TIMESTAMP
);
CREATE VIEW votes AS SELECT
  id, created_at, rater, left_run, right_run, choice, coalesce(ballot, '') AS ballot, seconds,
  retracted_at IS NOT NULL AS retracted
FROM vote_rows WHERE created_at IS NOT NULL;

-- For each metric, file, reference and way to align sizes the latest number.
CREATE TABLE measurements (
  metric VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, reference_sha256 VARCHAR NOT NULL, sizes VARCHAR NOT NULL,
  value DOUBLE, measured_at TIMESTAMP
);
