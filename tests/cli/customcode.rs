//! Custom code is kept, listed, changed and removed (reference, 3.11.6).

use super::world::World;

#[test]
fn code_goes_from_a_file_into_the_control_database_and_out_again() {
    let world = World::with_dbs();
    world.says("add table t1 db=A herd=h");
    world.says("add sync s1 source=h targetdb=B type=pushdelta");
    std::fs::write(world.home().join("code.pl"), "my $in = shift;\nreturn if exists $in->{dummy};\n").unwrap();
    let add =
        ["add", "customcode", "cc1", "whenrun=Before_Sync", "src_code=code.pl", "about=\"counts rows\"", "sync=s1", "priority=3"];
    let outcome = world.ctl(&add).ended_with(0);
    assert_eq!(outcome.stdout, "Added customcode \"cc1\"\n");
    assert!(outcome.stderr.starts_with("Note: this version keeps custom code, but does not run it yet"));
    let again = world.ctl(&add).ended_with(2);
    assert!(again.stderr.starts_with("Cannot create: customcode \"cc1\" already exists\n"), "{}", again.stderr);
    world.run("add code other when_run=exception src_code=code.pl table=public.t1 getrows=1").ended_with(0);
    world.run("add code x whenrun=exception src_code=nosuch").ended_with(2);
    assert_eq!(world.value("select string_agg(sync || priority, '') from bucardo.customcode_map"), "s13");
    assert_eq!(world.value("select count(*) from bucardo.customcode_map where goat is not null"), "1");

    assert_eq!(
        world.says("list customcode"),
        "Code: cc1    When run: before_sync  Get dbh: 1  Get rows: 0 Trigrules: 0
Code: other  When run: exception    Get dbh: 1  Get rows: 1 Trigrules: 0\n"
    );
    let more = world.says("list code cc* --verbose");
    assert!(more.ends_with("Trigrules: 0\n  About: counts rows\n"), "{more}");
    let all = world.says("list codes cc1 --vv");
    assert!(all.ends_with("    src_code  = my $in = shift;\nreturn if exists $in->{dummy};\n\n"), "{all}");

    std::fs::write(world.home().join("new.pl"), "1\n").unwrap();
    let said = world.says("update customcode cc1 src_code=new.pl");
    let told = " * src_code    : changed from old source (lines: 2) to contents of file 'foo' (lines: 1)\n";
    assert!(said.ends_with(told), "{said}");
    assert!(
        world.run("update code cc1 src_code=nosuch").ended_with(255).stderr.starts_with("The 'src_file' value must be a file")
    );
    assert_eq!(world.says("remove customcode cc1 other"), "Removed customcode \"cc1\"\nRemoved customcode \"other\"\n");
    assert_eq!(world.run("list customcode").ended_with(1).stdout, "There are no entries in the 'db' table.\n");
}
