-- What tables, views and columns mean: read by people in DuckDB tools and in docs/reference/run-log.md, by no statement.
-- One place for all versions: a view that is made anew loses its comments, so they are written behind the last step.

COMMENT ON TABLE fold_state IS 'How many bytes of each journal are in this file; written in the transaction that writes the rows.';

COMMENT ON TABLE run_rows IS 'The rows behind the view runs.';

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

COMMENT ON TABLE prompts IS 'Every prompt once, in lower case: where a search for text looks first.';
COMMENT ON COLUMN prompts.prompt_hash IS 'md5_number_lower() of the prompt as it was written.';
COMMENT ON COLUMN prompts.prompt IS 'The prompt in lower case.';

COMMENT ON TABLE projects IS 'Named shelves for runs.';
COMMENT ON COLUMN projects.id IS 'Short name, as in runs.project.';
COMMENT ON COLUMN projects.title IS 'What people see.';
COMMENT ON COLUMN projects.description IS 'What it is for.';
COMMENT ON COLUMN projects.archived IS 'Whether it is put away.';
COMMENT ON COLUMN projects.created_at IS 'When it was first logged.';
COMMENT ON COLUMN projects.changed_at IS 'When it was last changed.';
COMMENT ON COLUMN projects.settings IS 'What a form of this project begins with: model, task, preset.';
COMMENT ON COLUMN projects.settings_at IS 'When that was last changed.';

COMMENT ON TABLE sweeps IS 'Base request and axes of every sweep.';
COMMENT ON COLUMN sweeps.id IS 'As in runs.sweep_id.';
COMMENT ON COLUMN sweeps.project IS 'Id of its project.';
COMMENT ON COLUMN sweeps.definition IS 'The base request and the axes.';
COMMENT ON COLUMN sweeps.created_at IS 'When it was planned.';

COMMENT ON TABLE queue IS 'One row: whether the queue is paused, and which runs people have put first.';

COMMENT ON VIEW all_runs IS 'As runs, with those that were deleted.';

COMMENT ON VIEW runs IS 'A row for every run that was not deleted.';
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
COMMENT ON COLUMN runs.kinds IS 'Which kinds of files it made: image, video, audio.';
COMMENT ON COLUMN runs.prompt_hash IS 'Key of the prompt in the table prompts.';
COMMENT ON COLUMN runs.media IS 'The same as a number: 1 = image, 2 = video, 4 = audio, added up.';

COMMENT ON VIEW costs IS 'A row for every run that costs money, also of those that were deleted.';
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

COMMENT ON VIEW votes IS 'A row for every vote about two runs, also of deleted runs, and also when it was retracted: neither is counted.';
COMMENT ON COLUMN votes.id IS 'UUID of version 7: unique, and ordered by time.';
COMMENT ON COLUMN votes.created_at IS 'When it was given.';
COMMENT ON COLUMN votes.rater IS 'Who gave it, by their own word.';
COMMENT ON COLUMN votes.left_run IS 'Id of the run that was shown on the left.';
COMMENT ON COLUMN votes.right_run IS 'Id of the run that was shown on the right.';
COMMENT ON COLUMN votes.choice IS 'left, right or tie; skip = nothing was said.';
COMMENT ON COLUMN votes.ballot IS 'The question or occasion it belongs to; may be empty.';
COMMENT ON COLUMN votes.seconds IS 'How long it took; NULL = not measured.';
COMMENT ON COLUMN votes.retracted IS 'Whether it was taken back.';

COMMENT ON TABLE measurements IS 'Numbers measured of files.';
COMMENT ON COLUMN measurements.metric IS 'Name of the metric.';
COMMENT ON COLUMN measurements.sha256 IS 'Digest of the file, as in assets.';
COMMENT ON COLUMN measurements.reference_sha256 IS 'Digest of the file it was compared with; empty = none.';
COMMENT ON COLUMN measurements.sizes IS 'What was done where sizes differ; empty = it does not matter.';
COMMENT ON COLUMN measurements.value IS 'The number, which may be infinite; NULL = it cannot be measured.';
COMMENT ON COLUMN measurements.measured_at IS 'When it was logged.';

COMMENT ON TABLE marks IS 'A row for every time somebody marked a run; of several the latest is what runs shows.';
COMMENT ON COLUMN marks.run_id IS 'The run, as in runs.';
COMMENT ON COLUMN marks.marked_at IS 'When.';
COMMENT ON COLUMN marks.marked_by IS 'Who, by their own word; NULL = not said.';
COMMENT ON COLUMN marks.rating IS 'Stars, 1 to 5; 0 = taken away; NULL = left as it was.';
COMMENT ON COLUMN marks.favourite IS 'Into the favourites, or out of them; NULL = left as it was.';
COMMENT ON COLUMN marks.tags IS 'All tags of the run; empty = taken away; NULL = left as they were.';
COMMENT ON COLUMN marks.note IS 'What was written; empty = taken away; NULL = left as it was.';

COMMENT ON VIEW boards IS 'A row for every board: runs that were put side by side under a name.';
COMMENT ON COLUMN boards.id IS 'UUID of version 7: unique, and ordered by time.';
COMMENT ON COLUMN boards.name IS 'What people call it.';
COMMENT ON COLUMN boards.created_at IS 'When it was saved first.';
COMMENT ON COLUMN boards.changed_at IS 'When it was saved last.';
COMMENT ON COLUMN boards.created_by IS 'Who has made it, by their own word; NULL = not said.';
COMMENT ON COLUMN boards.project IS 'Id of its project.';
COMMENT ON COLUMN boards.runs IS 'Ids of its runs in their order, also of those that were deleted.';
COMMENT ON COLUMN boards.settings IS 'How they are shown.';
