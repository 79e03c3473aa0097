-- The archive: finished jobs move here from bucardo.q, so that the queue stays small.
create schema if not exists freezer;
