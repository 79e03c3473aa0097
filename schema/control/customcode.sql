-- Code of the user that runs at one of twelve points of a sync's run.
create table bucardo.customcode (
    id        serial      not null,
    name      text        not null,
    about     text,
    whenrun   text        not null,
    getdbh    boolean     not null default true,
    getrows   boolean     not null default false,
    trigrules boolean     not null default false,
    src_code  text        not null,
    cdate     timestamptz not null default now(),
    constraint customcode_id_pk primary key (id),
    constraint customcode_name_key unique (name),
    constraint customcode_whenrun check (whenrun in (
        'before_txn', 'before_check_rows', 'before_trigger_drop', 'after_trigger_drop', 'after_table_sync', 'exception',
        'conflict', 'before_trigger_enable', 'after_trigger_enable', 'after_txn', 'before_sync', 'after_sync'
    ))
);
