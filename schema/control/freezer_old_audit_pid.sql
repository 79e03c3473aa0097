-- A place for rows of bucardo.audit_pid that an administrator wants to put away. Nothing writes
-- here by itself.
create table freezer.old_audit_pid (like bucardo.audit_pid);

alter table freezer.old_audit_pid add constraint old_audit_pid_pk primary key (id);
