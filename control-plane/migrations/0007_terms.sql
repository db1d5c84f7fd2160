-- What an environment says of those who ask: the origins whose pages may (a JSON list; absent: all of them), and how often one SDK key may be
-- used in a minute (absent: as often as one likes).
ALTER TABLE environments ADD COLUMN origins TEXT;
ALTER TABLE environments ADD COLUMN requests_per_minute BIGINT;
