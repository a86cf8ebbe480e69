-- Version 4: what was expected of a run, and what runs cost.

-- parts of the first "queued" event
ALTER TABLE run_rows ADD COLUMN estimated_cost_usd DOUBLE;
ALTER TABLE run_rows ADD COLUMN estimated_s DOUBLE;
ALTER TABLE run_rows ADD COLUMN estimated_vram_bytes BIGINT;

CREATE OR REPLACE VIEW runs AS SELECT
  id, created_at, started_at, finished_at,
  coalesce(final_status, CASE WHEN coalesce(owner = '', started_at IS NULL) THEN 'queued' ELSE 'running' END) AS status,
  engine, task, model, prompt, negative_prompt, coalesce(used_seed, requested_seed) AS seed,
  width, height, num_inference_steps, guidance_scale, strength, scheduler, num_images,
  elapsed_s, cost_usd, error, project, sweep_id, cell, parent_id, host, request_digest, parameters,
  provenance, outcome, ticket,
  nullif(rating, 0) AS rating, coalesce(favourite, false) AS favourite, coalesce(tags, []) AS tags,
  nullif(note, '') AS note, coalesce(private, false) AS private, coalesce(attempt, 0) AS attempt, coalesce(priority, 0) AS priority,
  coalesce(batch_size, 1) AS batch_size, prompt_template,
  estimated_cost_usd, estimated_s, estimated_vram_bytes, prompt_hash
FROM run_rows WHERE created_at IS NOT NULL;

-- What was or may yet be charged. A run that succeeded without a bill, or that a service may have done unseen, counts
-- with what was expected.
CREATE OR REPLACE VIEW costs AS SELECT
  id, coalesce(finished_at, created_at) AS booked_at, project, sweep_id, model, engine, status,
  cost_usd AS billed_usd,
  CASE WHEN cost_usd IS NULL AND (status = 'succeeded' OR (status = 'cancelled' AND ticket IS NOT NULL)
    OR coalesce(outcome->>'$.may_be_billed', '') = 'true') THEN estimated_cost_usd END AS estimated_usd,
  CASE WHEN status IN ('queued', 'running') THEN estimated_cost_usd END AS committed_usd
FROM runs WHERE cost_usd IS NOT NULL OR estimated_cost_usd > 0 OR ticket IS NOT NULL;
