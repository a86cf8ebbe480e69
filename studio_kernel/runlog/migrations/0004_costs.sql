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
COMMENT ON VIEW runs IS 'A row for every run.';
COMMENT ON COLUMN runs.id IS 'UUID of version 7: unique, and ordered by time.';
COMMENT ON COLUMN runs.created_at IS 'When it was queued.';
COMMENT ON COLUMN runs.started_at IS 'When work on it began, the last time if it was begun again.';
COMMENT ON COLUMN runs.finished_at IS 'When it ended.';
COMMENT ON COLUMN runs.status IS 'queued, running, succeeded, failed or cancelled; only ever rises in that order.';
COMMENT ON COLUMN runs.engine IS 'Name of the engine.';
COMMENT ON COLUMN runs.task IS 'Such as text-to-image.';
COMMENT ON COLUMN runs.model IS 'Catalog id of the model.';
COMMENT ON COLUMN runs.prompt IS 'What the result should show.';
COMMENT ON COLUMN runs.negative_prompt IS 'What it should not show.';
COMMENT ON COLUMN runs.seed IS 'The seed really used; the requested one until the run has ended.';
COMMENT ON COLUMN runs.width IS 'Requested width in pixels.';
COMMENT ON COLUMN runs.height IS 'Requested height in pixels.';
COMMENT ON COLUMN runs.num_inference_steps IS 'Denoising steps asked for.';
COMMENT ON COLUMN runs.guidance_scale IS 'How strictly the result follows the prompt; 1 = no classifier-free guidance.';
COMMENT ON COLUMN runs.strength IS 'How far the result may leave the input image, 0 to 1.';
COMMENT ON COLUMN runs.scheduler IS 'Catalog id of the scheduler.';
COMMENT ON COLUMN runs.num_images IS 'Pictures asked for in one batch.';
COMMENT ON COLUMN runs.elapsed_s IS 'Seconds from start to end, without waiting.';
COMMENT ON COLUMN runs.cost_usd IS 'US dollars billed; NULL = nothing or not known.';
COMMENT ON COLUMN runs.error IS 'Why it failed, in words.';
COMMENT ON COLUMN runs.project IS 'Id of its project.';
COMMENT ON COLUMN runs.sweep_id IS 'Id of the sweep it is a cell of.';
COMMENT ON COLUMN runs.cell IS 'Its coordinates in that sweep, axis name to value.';
COMMENT ON COLUMN runs.parent_id IS 'Id of the run it repeats or starts from.';
COMMENT ON COLUMN runs.host IS 'Name of the machine that worked on it.';
COMMENT ON COLUMN runs.request_digest IS 'SHA-256 of the canonical request; equal for equal requests.';
COMMENT ON COLUMN runs.parameters IS 'Every parameter of the request.';
COMMENT ON COLUMN runs.provenance IS 'What else decides the result, as known at the start: versions, device, weights.';
COMMENT ON COLUMN runs.outcome IS 'What was reported at the end: timings in seconds, peak memory, fallbacks.';
COMMENT ON COLUMN runs.ticket IS 'How to find the job again at a remote service.';
COMMENT ON COLUMN runs.rating IS 'Stars, 1 to 5.';
COMMENT ON COLUMN runs.favourite IS 'Whether it is in the favourites.';
COMMENT ON COLUMN runs.tags IS 'Words people gave it.';
COMMENT ON COLUMN runs.note IS 'What people wrote about it.';
COMMENT ON COLUMN runs.private IS 'Whether what was asked for and what came of it is kept out of the log.';
COMMENT ON COLUMN runs.attempt IS 'How many times work on it was begun; more than 1 after a crash.';
COMMENT ON COLUMN runs.priority IS 'Its rank in the queue, higher goes first; 0 unless somebody changed it.';
COMMENT ON COLUMN runs.batch_size IS 'How many cells of its sweep were to be computed in one pass with it; 1 = alone.';
COMMENT ON COLUMN runs.prompt_template IS 'The prompt as it was typed, where alternatives or wildcards in it were chosen.';
COMMENT ON COLUMN runs.estimated_cost_usd IS 'US dollars expected when it was asked for; 0 where nobody charges, NULL = there was no price.';
COMMENT ON COLUMN runs.estimated_s IS 'Seconds of work expected when it was asked for.';
COMMENT ON COLUMN runs.estimated_vram_bytes IS 'Highest device memory expected when it was asked for.';
COMMENT ON COLUMN runs.prompt_hash IS 'Key of the prompt in the table prompts.';

-- What was or may yet be charged. A run that succeeded without a bill, or that a service may have done unseen, counts
-- with what was expected.
CREATE OR REPLACE VIEW costs AS SELECT
  id, coalesce(finished_at, created_at) AS booked_at, project, sweep_id, model, engine, status,
  cost_usd AS billed_usd,
  CASE WHEN cost_usd IS NULL AND (status = 'succeeded' OR (status = 'cancelled' AND ticket IS NOT NULL)
    OR coalesce(outcome->>'$.may_be_billed', '') = 'true') THEN estimated_cost_usd END AS estimated_usd,
  CASE WHEN status IN ('queued', 'running') THEN estimated_cost_usd END AS committed_usd
FROM runs WHERE cost_usd IS NOT NULL OR estimated_cost_usd > 0 OR ticket IS NOT NULL;
COMMENT ON VIEW costs IS 'A row for every run that costs money.';
COMMENT ON COLUMN costs.id IS 'As in runs.';
COMMENT ON COLUMN costs.booked_at IS 'When it ended; when it was queued until it has.';
COMMENT ON COLUMN costs.project IS 'Id of its project.';
COMMENT ON COLUMN costs.sweep_id IS 'Id of the sweep it is a cell of.';
COMMENT ON COLUMN costs.model IS 'Catalog id of the model.';
COMMENT ON COLUMN costs.engine IS 'Name of the engine.';
COMMENT ON COLUMN costs.status IS 'As in runs.';
COMMENT ON COLUMN costs.billed_usd IS 'US dollars that the service said it charged.';
COMMENT ON COLUMN costs.estimated_usd IS 'US dollars expected, where it has ended, may be charged, and the service has not said how much.';
COMMENT ON COLUMN costs.committed_usd IS 'US dollars expected of a run that waits or is at work.';
