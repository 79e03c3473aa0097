//! `set`, `show`, `config` and `message`, byte for byte as the reference shows them (3.16, 3.17).

use super::world::World;

#[test]
fn show_prints_settings_and_always_exits_with_one() {
    let world = World::bare();
    let shown = world.run("show all").ended_with(1).stdout;
    assert_eq!(shown.lines().count(), 45);
    assert!(shown.starts_with("audit_pid                 = 0\nautosync_ddl              = newcol\n"), "{shown}");
    let expected = "kid_nodeltarows_sleep  = 0.8\nkid_nothingfound_sleep = 0.3\n";
    assert_eq!(world.run("show kid_no").ended_with(1).stdout, expected);
    assert_eq!(world.run("show ^LOG_showT STOPFILE").ended_with(1).stdout, "log_showtime = 3\nstopfile     = fullstopbucardo\n");
    assert_eq!(world.run("show nothing_like_this").ended_with(1).stdout, "");
}

#[test]
fn set_changes_settings_even_if_quiet() {
    let world = World::bare();
    let said = world.says("set Kid_PingTime=30 default_email_to=Me@Example.com --quiet");
    assert_eq!(said, "Set \"kid_pingtime\" to \"30\"\nSet \"default_email_to\" to \"Me@Example.com\"\n");
    assert_eq!(world.run("show kid_pingtime").stdout, "kid_pingtime = 30\n");
}

#[test]
fn a_value_that_would_not_count_is_refused_with_its_range() {
    let world = World::bare();
    assert_eq!(
        world.says("set delta_retention=0.5 log_showpid=on"),
        "Set \"delta_retention\" to \"0.5\"\nSet \"log_showpid\" to \"on\"\n"
    );
    for pair in ["batch_changes=many", "batch_changes=-1", "delta_retention=inf", "reserve_connections=-2", "log_showtime=4"] {
        world.run(&format!("set {pair}")).ended_with(255);
    }
    for (pair, hint) in [
        ("copy_jobs=0", "it is a whole number from 1 to 1000; the default is 4"),
        ("delta_retention=0", "it is a number from 0.1, in seconds; the default is 600"),
    ] {
        let name = pair.split('=').next().unwrap();
        let said = world.run(&format!("set {pair}")).ended_with(255).stderr;
        assert_eq!(said, format!("Invalid value for '{name}'\nHINT: {hint}\n"));
    }
    assert_eq!(
        world.run("show ^batch ^delta ^copy").stdout,
        "batch_changes   = 100000\ncopy_jobs       = 4\ndelta_retention = 0.5\n"
    );
}

/// Scripts set those of Bucardo 4.5 to anything.
#[test]
fn a_setting_without_effect_takes_any_value() {
    let world = World::bare();
    assert_eq!(world.says("set kid_abort_limit=many"), "Set \"kid_abort_limit\" to \"many\"\n");
}

#[test]
fn config_is_both() {
    let world = World::bare();
    assert_eq!(world.run("config").ended_with(1).stdout.lines().count(), 45);
    assert_eq!(world.run("config show stopfile").ended_with(1).stdout, "stopfile = fullstopbucardo\n");
    assert_eq!(world.run("config get stopfile").ended_with(1).stdout, "stopfile = fullstopbucardo\n");
    assert_eq!(world.says("config set audit_pid=1"), "Set \"audit_pid\" to \"1\"\n");
    assert_eq!(world.says("config audit_pid=0"), "Set \"audit_pid\" to \"0\"\n");
}

#[test]
fn a_message_is_left_for_the_daemon() {
    let world = World::bare();
    for (line, printed) in [("message hello  there", ""), ("message again --verbose", "Message added\n")] {
        let outcome = world.run(line).ended_with(0);
        assert_eq!(outcome.stdout, printed);
        assert!(outcome.stderr.contains("no Bucardo daemon is running") && outcome.stderr.contains("the next one logs it"));
    }
    let messages = world.value("select string_agg(msg, '|' order by id) from bucardo.bucardo_log_message");
    assert_eq!(messages, "hello  there|again");
}

/// One whose default is no text can be emptied.
#[test]
fn a_setting_is_emptied() {
    let world = World::bare();
    world.says("set host_safety_check=elsewhere");
    assert_eq!(world.says("set host_safety_check="), "Set \"host_safety_check\" to \"\"\n");
    assert_eq!(world.run("show host_safety_check").stdout, "host_safety_check = \n");
}
