//! A control database with a few syncs in it whose databases nobody ever connects to.

use crate::harness::Installed;

/// Databases A, B, c and the group `both`; the herd `h` with one table of A; syncs: `orders` A → B,
/// `grp` A → both, `asleep` A → c, which is inactive, and `copies`, a fullcopy.
pub fn prepared() -> Installed {
    let installed = Installed::new();
    installed.control().batch_execute(SYNCS).unwrap();
    installed
}

const SYNCS: &str = "
    insert into bucardo.db (name, dbname, dbuser, dbhost) select name, name, 'nobody', '/does/not/exist' from unnest(array['A', 'B', 'c', 'd']) name;
    insert into bucardo.dbgroup (name) values ('both');
    insert into bucardo.dbmap (db, dbgroup, priority) values ('c', 'both', 1), ('B', 'both', 2);
    insert into bucardo.goat (db, schemaname, tablename) values ('A', 'public', 'orders');
    insert into bucardo.herd (name) values ('h');
    insert into bucardo.herdmap (herd, goat) select 'h', id from bucardo.goat;
    insert into bucardo.sync (name, source, targetdb, targetgroup, synctype, status) values
        ('orders', 'h', 'B', null, 'pushdelta', 'active'),
        ('grp', 'h', null, 'both', 'pushdelta', 'active'),
        ('asleep', 'h', 'c', null, 'pushdelta', 'inactive'),
        ('copies', 'h', 'B', null, 'fullcopy', 'active');
";
