-- Version 7: who marked what and when, and boards.

CREATE TABLE marks (
  run_id UUID NOT NULL, marked_at TIMESTAMP, marked_by VARCHAR,
  rating UTINYINT, favourite BOOLEAN, tags VARCHAR[], note VARCHAR
);
-- Of the marks before this version the file knows those that count; one built anew from the journals knows them all.
INSERT INTO marks BY NAME
SELECT run_id, marked_at, any_value(rating) AS rating, any_value(favourite) AS favourite, any_value(tags) AS tags,
  any_value(note) AS note
FROM (
  SELECT id AS run_id, rating_at AS marked_at, rating, NULL::BOOLEAN AS favourite, NULL::VARCHAR[] AS tags, NULL::VARCHAR AS note
  FROM run_rows
  UNION ALL SELECT id, favourite_at, NULL, favourite, NULL, NULL FROM run_rows
  UNION ALL SELECT id, tags_at, NULL, NULL, tags, NULL FROM run_rows
  UNION ALL SELECT id, note_at, NULL, NULL, NULL, note FROM run_rows
) WHERE marked_at IS NOT NULL GROUP BY run_id, marked_at ORDER BY marked_at, run_id;

-- A row appears with the first event of its id, which can be its deletion: `boards` shows it while it is there.
CREATE TABLE board_rows (
  id UUID NOT NULL,
  -- the first "board" event
  created_at TIMESTAMP, created_by VARCHAR,
  -- the latest "board" event
  changed_at TIMESTAMP, name VARCHAR, project VARCHAR, runs UUID[], settings JSON,
  -- the first "board-deleted" event
  deleted_at TIMESTAMP
);
CREATE VIEW boards AS SELECT id, name, created_at, changed_at, created_by, project, runs, settings
FROM board_rows WHERE created_at IS NOT NULL AND deleted_at IS NULL;
