-- Version 5: runs that people have deleted, what kind of files a run has, and how a project begins.

-- the latest "delete" event; a restored run is one whose latest says that it is not deleted
ALTER TABLE run_rows ADD COLUMN deleted_at TIMESTAMP;
ALTER TABLE run_rows ADD COLUMN deleted BOOLEAN;
ALTER TABLE run_rows ADD COLUMN frees_files BOOLEAN;
-- all "finished" events: 1 = it has a picture among its outputs, 2 = a video, 4 = a sound, added up
ALTER TABLE run_rows ADD COLUMN media UTINYINT;
UPDATE run_rows SET media = found.media FROM (
  SELECT run_id, bit_or(CASE split_part(media_type, '/', 1) WHEN 'image' THEN 1 WHEN 'video' THEN 2 WHEN 'audio' THEN 4
    ELSE 0 END)::UTINYINT AS media
  FROM assets WHERE role = 'output' GROUP BY run_id
) AS found WHERE run_rows.id = found.run_id;

ALTER TABLE projects ADD COLUMN settings JSON;
ALTER TABLE projects ADD COLUMN settings_at TIMESTAMP;

CREATE OR REPLACE VIEW all_runs AS SELECT
  id, created_at, started_at, finished_at,
  coalesce(final_status, CASE WHEN coalesce(owner = '', started_at IS NULL) THEN 'queued' ELSE 'running' END) AS status,
  engine, task, model, prompt, negative_prompt, coalesce(used_seed, requested_seed) AS seed,
  width, height, num_inference_steps, guidance_scale, strength, scheduler, num_images,
  elapsed_s, cost_usd, error, project, sweep_id, cell, parent_id, host, request_digest, parameters,
  provenance, outcome, ticket,
  nullif(rating, 0) AS rating, coalesce(favourite, false) AS favourite, coalesce(tags, []) AS tags,
  nullif(note, '') AS note, coalesce(private, false) AS private, coalesce(attempt, 0) AS attempt, coalesce(priority, 0) AS priority,
  coalesce(batch_size, 1) AS batch_size, prompt_template,
  estimated_cost_usd, estimated_s, estimated_vram_bytes,
  CASE coalesce(media, 0) WHEN 0 THEN [] WHEN 1 THEN ['image'] WHEN 2 THEN ['video'] WHEN 3 THEN ['image', 'video']
    WHEN 4 THEN ['audio'] WHEN 5 THEN ['image', 'audio'] WHEN 6 THEN ['video', 'audio']
    ELSE ['image', 'video', 'audio'] END AS kinds,
  prompt_hash, coalesce(media, 0) AS media, coalesce(deleted, false) AS deleted
FROM run_rows WHERE created_at IS NOT NULL;

CREATE OR REPLACE VIEW runs AS SELECT * EXCLUDE (deleted) FROM all_runs WHERE NOT deleted;

-- What was or may yet be charged, also of runs that were deleted. A run that succeeded without a bill, or that a
-- service may have done unseen, counts with what was expected.
CREATE OR REPLACE VIEW costs AS SELECT
  id, coalesce(finished_at, created_at) AS booked_at, project, sweep_id, model, engine, status,
  cost_usd AS billed_usd,
  CASE WHEN cost_usd IS NULL AND (status = 'succeeded' OR (status = 'cancelled' AND ticket IS NOT NULL)
    OR coalesce(outcome->>'$.may_be_billed', '') = 'true') THEN estimated_cost_usd END AS estimated_usd,
  CASE WHEN status IN ('queued', 'running') THEN estimated_cost_usd END AS committed_usd
FROM all_runs WHERE cost_usd IS NOT NULL OR estimated_cost_usd > 0 OR ticket IS NOT NULL;
