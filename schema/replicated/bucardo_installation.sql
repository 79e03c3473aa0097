-- To which installation everything in this schema belongs: the id in its control database, and
-- where that was. One row.
create table if not exists bucardo.bucardo_installation (
  id       text         not null,
  control  text         not null,
  cdate    timestamptz  not null default now(),
  constraint bucardo_installation_pk primary key (id)
);
