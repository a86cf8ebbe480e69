-- Version 3: cells of a sweep that are computed together, and prompts as they were typed.

-- parts of the first "queued" event
ALTER TABLE run_rows ADD COLUMN batch_size INTEGER;
ALTER TABLE run_rows ADD COLUMN prompt_template VARCHAR;

CREATE OR REPLACE VIEW runs AS SELECT
  id, created_at, started_at, finished_at,
  coalesce(final_status, CASE WHEN coalesce(owner = '', started_at IS NULL) THEN 'queued' ELSE 'running' END) AS status,
  engine, task, model, prompt, negative_prompt, coalesce(used_seed, requested_seed) AS seed,
  width, height, num_inference_steps, guidance_scale, strength, scheduler, num_images,
  elapsed_s, cost_usd, error, project, sweep_id, cell, parent_id, host, request_digest, parameters,
  provenance, outcome, ticket,
  nullif(rating, 0) AS rating, coalesce(favourite, false) AS favourite, coalesce(tags, []) AS tags,
  nullif(note, '') AS note, coalesce(private, false) AS private, coalesce(attempt, 0) AS attempt, coalesce(priority, 0) AS priority,
  coalesce(batch_size, 1) AS batch_size, prompt_template, prompt_hash
FROM run_rows WHERE created_at IS NOT NULL;
