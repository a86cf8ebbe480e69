-- Version 1 of the run log. No primary keys, unique constraints or indexes: an index that was left behind by a killed
-- process returned wrong rows in DuckDB 1.4 and 1.5 (duckdb#23788), and folding keeps rows unique without one.
-- All times are UTC.

CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR);

CREATE TABLE fold_state (journal VARCHAR NOT NULL, position BIGINT NOT NULL, folded_at TIMESTAMP);

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

CREATE TABLE assets (
  run_id UUID NOT NULL, index INTEGER, role VARCHAR, sha256 VARCHAR NOT NULL, media_type VARCHAR, size_bytes BIGINT,
  width INTEGER, height INTEGER, seed UBIGINT, created_at TIMESTAMP
);

CREATE TABLE prompts (prompt_hash UBIGINT NOT NULL, prompt VARCHAR NOT NULL);

CREATE TABLE projects (
  id VARCHAR NOT NULL, title VARCHAR, description VARCHAR, archived BOOLEAN, created_at TIMESTAMP, changed_at TIMESTAMP
);

CREATE TABLE sweeps (id VARCHAR NOT NULL, project VARCHAR, definition JSON, created_at TIMESTAMP);
