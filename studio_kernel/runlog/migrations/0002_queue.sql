-- Version 2: what a queue needs that outlives every process.

-- parts of the first "queued" event
ALTER TABLE run_rows ADD COLUMN reserved_for VARCHAR;
ALTER TABLE run_rows ADD COLUMN private BOOLEAN;
-- the latest "claimed" event; an empty owner has given the run back
ALTER TABLE run_rows ADD COLUMN claimed_at TIMESTAMP;
ALTER TABLE run_rows ADD COLUMN owner VARCHAR;
ALTER TABLE run_rows ADD COLUMN attempt INTEGER;
-- the latest "priority" event, the first "cancel" event
ALTER TABLE run_rows ADD COLUMN priority_at TIMESTAMP;
ALTER TABLE run_rows ADD COLUMN priority INTEGER;
ALTER TABLE run_rows ADD COLUMN cancel_at TIMESTAMP;

CREATE TABLE queue (id VARCHAR NOT NULL, paused BOOLEAN, paused_at TIMESTAMP, first VARCHAR[], first_at TIMESTAMP);

CREATE OR REPLACE VIEW runs AS SELECT
  id, created_at, started_at, finished_at,
  coalesce(final_status, CASE WHEN coalesce(owner = '', started_at IS NULL) THEN 'queued' ELSE 'running' END) AS status,
  engine, task, model, prompt, negative_prompt, coalesce(used_seed, requested_seed) AS seed,
  width, height, num_inference_steps, guidance_scale, strength, scheduler, num_images,
  elapsed_s, cost_usd, error, project, sweep_id, cell, parent_id, host, request_digest, parameters,
  provenance, outcome, ticket,
  nullif(rating, 0) AS rating, coalesce(favourite, false) AS favourite, coalesce(tags, []) AS tags,
  nullif(note, '') AS note, coalesce(private, false) AS private, coalesce(attempt, 0) AS attempt, coalesce(priority, 0) AS priority, prompt_hash
FROM run_rows WHERE created_at IS NOT NULL;
