-- The word that makes channels private: NOTIFY and LISTEN need no right, but only a role that may
-- read this row knows the channels on which the processes of the daemon and the commands talk. The
-- program makes the word, from random bytes. One row.
create table bucardo.channel_secret (
    id     integer      not null default 1,
    word   text         not null,
    cdate  timestamptz  not null default now(),
    constraint channel_secret_pk primary key (id),
    constraint channel_secret_one check (id = 1)
);
