-- Version 1 of the run log. No primary keys, unique constraints or indexes: an index that was left behind by a killed
-- process returned wrong rows in DuckDB 1.4 and 1.5 (duckdb#23788), and folding keeps rows unique without one.
-- All times are UTC.

CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR);

CREATE TABLE fold_state (journal VARCHAR NOT NULL, position BIGINT NOT NULL, folded_at TIMESTAMP);
COMMENT ON TABLE fold_state IS 'How many bytes of each journal are in this file; written in the transaction that writes the rows.';

-- A row appears with the first event of its id, which can be a mark or an end: `runs` shows it once it was queued.
CREATE TABLE run_rows (
  id UUID NOT NULL,
  -- the first "queued" event
  created_at TIMESTAMP, engine VARCHAR, model VARCHAR, task VARCHAR,
  prompt VARCHAR, negative_prompt VARCHAR, prompt_hash UBIGINT, requested_seed UBIGINT,
  width INTEGER, height INTEGER, num_inference_steps INTEGER, guidance_scale DOUBLE, strength DOUBLE,
  scheduler VARCHAR, num_images INTEGER, request_digest VARCHAR, parameters JSON,
  project VARCHAR, sweep_id VARCHAR, cell JSON, parent_id VARCHAR,
  -- the latest "started" event
  started_at TIMESTAMP, host VARCHAR, provenance JSON,
  -- the latest "ticket" event
  ticket_at TIMESTAMP, ticket JSON,
  -- the first "finished" event
  finished_at TIMESTAMP, final_status VARCHAR, used_seed UBIGINT, elapsed_s DOUBLE, cost_usd DOUBLE, error VARCHAR,
  outcome JSON,
  -- for each field its latest mark
  rating UTINYINT, rating_at TIMESTAMP, favourite BOOLEAN, favourite_at TIMESTAMP,
  tags VARCHAR[], tags_at TIMESTAMP, note VARCHAR, note_at TIMESTAMP
);
COMMENT ON TABLE run_rows IS 'The rows behind the view runs.';

CREATE TABLE assets (
  run_id UUID NOT NULL, index INTEGER, role VARCHAR, sha256 VARCHAR NOT NULL, media_type VARCHAR, size_bytes BIGINT,
  width INTEGER, height INTEGER, seed UBIGINT, created_at TIMESTAMP
);
COMMENT ON TABLE assets IS 'A row for every file of a run.';
COMMENT ON COLUMN assets.run_id IS 'The run that made it.';
COMMENT ON COLUMN assets.index IS 'Place among the files of its run, from 0.';
COMMENT ON COLUMN assets.role IS 'output, or the parameter it was given as.';
COMMENT ON COLUMN assets.sha256 IS 'Digest of its bytes; its name in the asset store.';
COMMENT ON COLUMN assets.media_type IS 'Such as image/png.';
COMMENT ON COLUMN assets.size_bytes IS 'Length of the file.';
COMMENT ON COLUMN assets.width IS 'Pixels, for images and videos.';
COMMENT ON COLUMN assets.height IS 'Pixels, for images and videos.';
COMMENT ON COLUMN assets.seed IS 'The seed that made this file, when the run made several.';
COMMENT ON COLUMN assets.created_at IS 'When it was logged.';

CREATE TABLE prompts (prompt_hash UBIGINT NOT NULL, prompt VARCHAR NOT NULL);
COMMENT ON TABLE prompts IS 'Every prompt once, in lower case: where a search for text looks first.';
COMMENT ON COLUMN prompts.prompt_hash IS 'md5_number_lower() of the prompt as it was written.';
COMMENT ON COLUMN prompts.prompt IS 'The prompt in lower case.';

CREATE TABLE projects (
  id VARCHAR NOT NULL, title VARCHAR, description VARCHAR, archived BOOLEAN, created_at TIMESTAMP, changed_at TIMESTAMP
);
COMMENT ON TABLE projects IS 'Named shelves for runs.';
COMMENT ON COLUMN projects.id IS 'Short name, as in runs.project.';
COMMENT ON COLUMN projects.title IS 'What people see.';
COMMENT ON COLUMN projects.description IS 'What it is for.';
COMMENT ON COLUMN projects.archived IS 'Whether it is put away.';
COMMENT ON COLUMN projects.created_at IS 'When it was first logged.';
COMMENT ON COLUMN projects.changed_at IS 'When it was last changed.';

CREATE TABLE sweeps (id VARCHAR NOT NULL, project VARCHAR, definition JSON, created_at TIMESTAMP);
COMMENT ON TABLE sweeps IS 'Base request and axes of every sweep.';
COMMENT ON COLUMN sweeps.id IS 'As in runs.sweep_id.';
COMMENT ON COLUMN sweeps.project IS 'Id of its project.';
COMMENT ON COLUMN sweeps.definition IS 'The base request and the axes.';
COMMENT ON COLUMN sweeps.created_at IS 'When it was planned.';
