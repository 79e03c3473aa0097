-- The replicated tables and sequences ("goats"). pkey, qpkey and pkeytype describe the key, its
-- parts joined by "|". They are found by looking at the database itself, which this schema cannot
-- do: pkey null means "not looked at yet", an empty pkey "looked at, there is no usable key".
create table bucardo.goat (
    id                   serial      not null,
    db                   text        not null,
    schemaname           text        not null,
    tablename            text        not null,
    reltype              text        not null default 'table',
    pkey                 text,
    qpkey                text,
    pkeytype             text,
    has_delta            boolean     not null default false,
    ping                 boolean,
    customselect         text,
    makedelta            boolean,
    rebuild_index        smallint    not null default 0,
    ghost                boolean     not null default false,
    standard_conflict    text,
    analyze_after_copy   boolean     not null default true,
    strict_checking      boolean     not null default true,
    delta_bypass         boolean     not null default false,
    delta_bypass_min     bigint,
    delta_bypass_count   bigint,
    delta_bypass_percent smallint,
    cdate                timestamptz not null default now(),
    constraint goat_id_pk primary key (id),
    constraint goat_db_fk foreign key (db) references bucardo.db (name) on update cascade on delete restrict,
    constraint has_schemaname check (length(schemaname) > 1),
    constraint valid_reltype check (reltype in ('table', 'sequence')),
    constraint pkey_needs_type check (pkey = '' or pkeytype is not null),
    constraint custom_needs_pkey check (customselect is null or length(pkey) > 1),
    constraint standard_conflict check (
        reltype <> 'table' or standard_conflict in ('source', 'target', 'skip', 'random', 'latest', 'abort')
    ),
    constraint standard_conflict_sequence check (
        reltype <> 'sequence' or standard_conflict in ('source', 'target', 'skip', 'lowest', 'highest')
    )
);
