//! The control schema, as it is found in a database after installing.

use crate::harness::Installed;

#[test]
fn the_forty_settings_are_there() {
    let installed = Installed::new();
    let count: i64 = installed.control().query_one("select count(*) from bucardo.bucardo_config", &[]).unwrap().get(0);
    assert_eq!(count, 40);
}
