//! Options and rc files (reference, 1.2 to 1.4) as far as they show from outside.

use super::world::World;
use crate::harness::Commands;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_bad_option_is_explained_and_nothing_is_executed() {
    let world = World::bare();
    for (line, complaint) in [
        ("add dbgroup g --nosuch", "Unknown option: nosuch\n\n"),
        ("add dbgroup g -v", "Option v is ambiguous (verbose, version, vv)\n\n"),
        ("add dbgroup g --dbport", "Option dbport requires an argument\n\n"),
        ("--retry=x add dbgroup g", "Value \"x\" invalid for option retry (number expected)\n\n"),
    ] {
        let told = world.run(line).ended_with(255).stderr;
        assert!(told.starts_with(&format!("{complaint}HINT: ")), "{line}: {told}");
    }
    assert_eq!(world.value("select count(*) from bucardo.dbgroup"), "0");
}

#[test]
fn one_rc_file_is_read_and_the_command_line_wins() {
    let world = World::bare();
    let good = fs::read_to_string(world.home().join(".bucardorc")).unwrap();
    let bad = good.replace("dbport=", "dbport = 1\n#");
    fs::write(world.home().join("bad.rc"), bad + "this is no setting\n").unwrap();
    world.run("show all").ended_with(1);
    for spelling in ["--bucardorc=bad.rc", "--bucardorc bad.rc"] {
        let refused = world.run(&format!("{spelling} show all")).ended_with(255).stderr;
        assert!(
            refused.starts_with("DBI connect('dbname=bucardo;host=") && refused.contains(";port=1','bucardo',...) failed: "),
            "{refused}"
        );
    }
    let right = format!("--bucardorc=bad.rc -p {} show stopfile", world.cluster.port());
    assert_eq!(world.run(&right).ended_with(1).stdout, "stopfile = fullstopbucardo\n");
    world.run("--no-bucardorc show all").ended_with(255);
}

#[test]
fn what_no_option_says_is_looked_up_as_every_client_does() {
    let world = World::bare();
    let call = world.call("bucardo_ctl", &["--no-bucardorc", "show", "stopfile"]);
    let call = call.env("PGHOST", world.cluster.socket_dir()).env("PGPORT", world.cluster.port().to_string());
    let call = call.env("PGDATABASE", "nosuch").env("PGUSER", "nosuch");
    assert_eq!(call.run().ended_with(1).stdout, "stopfile = fullstopbucardo\n");
}

#[test]
fn a_missing_rc_file_is_exit_code_two() {
    let outcome = Commands::new().ctl(&["--bucardorc=nosuch", "list", "db"]).ended_with(2);
    assert!(outcome.stderr.starts_with("Could not find the file \"nosuch\"\n"));
}

#[test]
fn an_rc_file_that_cannot_be_read_is_the_exit_code_of_the_system() {
    if nix::unistd::Uid::effective().is_root() {
        return; // root reads everything
    }
    let commands = Commands::new();
    let file = commands.home().join(".bucardorc");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let outcome = commands.ctl(&["list", "db"]).ended_with(13);
    assert!(outcome.stderr.contains("Permission denied"));
}

#[test]
fn a_database_without_our_schema_is_told_apart() {
    let world = World::bare();
    let outcome = world.run("list db --dbname=a").ended_with(255);
    assert!(outcome.stderr.contains("HINT: is this the control database?"), "{}", outcome.stderr);
}

#[test]
fn the_settings_that_every_command_needs_must_be_there() {
    let world = World::bare();
    world.control().batch_execute("update bucardo.bucardo_config set value = '' where setting = 'stopfile'").unwrap();
    assert!(world.run("list db").ended_with(255).stderr.starts_with("Invalid stopfile!\nHINT: "));
    world.control().batch_execute("delete from bucardo.bucardo_config where setting = 'piddir'").unwrap();
    assert!(world.run("list db").ended_with(255).stderr.starts_with("Invalid bucardo_config setting: piddir\nHINT: "));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::bare();
    let (program, home) = (world.dir().join("bin/bucardo_ctl"), world.home());
    let shell = format!("'{}' show all | true; echo ${{PIPESTATUS[0]}}", program.display());
    let told = std::process::Command::new("bash").args(["-c", &shell]).env("HOME", &home).current_dir(&home).output().unwrap();
    assert_eq!((String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr)), ("1\n".into(), "".into()));
}
