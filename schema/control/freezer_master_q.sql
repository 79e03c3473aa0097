-- The archive of finished jobs. This table is the parent one reads; its rows are in one child table
-- for each day (child_q_YYYYMMDD), so that an administrator forgets old times by dropping tables.
create table freezer.master_q (like bucardo.q);

alter table freezer.master_q add constraint master_q_pk primary key (id);

grant select on freezer.master_q to public;
