DROP TABLE stock_watch;
DROP TABLE dead_letters;
DROP TABLE event_processing_log;
CREATE INDEX events_created_at ON events (created_at);
DROP TABLE events_undispatched;
