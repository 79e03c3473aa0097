//! What goes wrong while the shop is open: processes are killed, the daemon is restarted, links are
//! cut or hang, servers crash, clocks are set.

use super::Shop;
use crate::daemon::world::{PATIENCE, send};
use crate::harness::{Chance, wait_until};
use nix::sys::signal::Signal;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Steps of the round; the more delicate ones are more likely.
const STEPS: [&str; 8] = [
    "Looked",
    "Apply",
    "BeforeTriggerEnable",
    "SourcesCommitted",
    "ReceiverCommitted",
    "ReceiverCommitted",
    "ReceiverCommitted",
    "Committed",
];

/// How far a clock may be off, in seconds.
pub const STEP: u64 = 5;

/// See the module's text.
pub struct Weather {
    chance: Chance,
    /// Links that are not fine, and until when.
    bad: Vec<(usize, Instant)>,
}

impl Weather {
    /// As this chance will have it.
    pub fn new(chance: Chance) -> Weather {
        Weather { chance, bad: Vec::new() }
    }

    /// After a while, something happens.
    pub fn change(&mut self, shop: &mut Shop) {
        sleep(Duration::from_millis(30 + self.chance.below(400)));
        let (fine, bad) = self.bad.drain(..).partition(|(_, until)| *until <= Instant::now());
        self.bad = bad;
        let fine: Vec<(usize, Instant)> = fine;
        fine.iter().for_each(|(link, _)| shop.links[*link].1.resume());
        let what = self.chance.below(21);
        match what {
            0..=2 => drop(shop.world.run("kick shop")),
            3..=4 => self.kill(shop, "kid."),
            5..=8 => self.wish(shop),
            9 => self.kill(shop, "ctl."),
            10 => self.kill_all(shop),
            11 => self.restart(shop),
            12..=16 => self.link(shop),
            17 => {
                shop.world.installed.cluster.kill();
                shop.world.installed.cluster.start();
            }
            18..=19 => self.crash(shop),
            _ => self.clock(shop),
        }
    }

    /// Somebody sets a member's clock.
    fn clock(&mut self, shop: &mut Shop) {
        let members: Vec<&str> = shop.members().collect();
        let member = self.chance.pick(&members);
        let ahead = i64::try_from(self.chance.below(2 * STEP + 1)).unwrap() - STEP as i64;
        if shop.world.server_mut(member).set_clock(ahead) {
            println!("clock {member} {ahead:+}");
        }
    }

    fn kill(&mut self, shop: &Shop, which: &str) {
        let files = shop.world.pid_files();
        let found: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix("bucardo.")?.strip_suffix(".pid")).collect();
        let found: Vec<&str> = found.into_iter().filter(|file| file.starts_with(which)).collect();
        if found.is_empty() {
            return;
        }
        let file = self.chance.pick(&found);
        println!("kill {file}");
        if let Some(pid) = shop.world.pid_now(file) {
            send(pid, Signal::SIGKILL);
        }
    }

    /// A kid shall die when it comes to a certain step.
    fn wish(&mut self, shop: &Shop) {
        let step = self.chance.pick(&STEPS);
        println!("die at {step}");
        fs::write(shop.wishes().join(step), "").unwrap();
    }

    fn kill_all(&mut self, shop: &Shop) {
        println!("kill mcp");
        if let Some(pid) = shop.world.pid_now("mcp") {
            send(pid, Signal::SIGKILL);
        }
        sleep(Duration::from_millis(self.chance.below(300)));
        shop.start();
    }

    fn restart(&mut self, shop: &Shop) {
        println!("restart");
        shop.world.says("stop");
        sleep(Duration::from_millis(self.chance.below(300)));
        shop.start();
    }

    fn link(&mut self, shop: &Shop) {
        let link = usize::try_from(self.chance.below(shop.links.len() as u64)).unwrap();
        let (member, proxy) = &shop.links[link];
        let until = Instant::now() + Duration::from_millis(self.chance.below(1500));
        if self.chance.below(3) > 0 {
            println!("cut {member}");
            proxy.cut();
        } else {
            println!("stall {member}");
            proxy.stall();
        }
        self.bad.push((link, until));
    }

    fn crash(&mut self, shop: &mut Shop) {
        let members: Vec<&str> = shop.members().collect();
        let member = self.chance.pick(&members);
        println!("crash {member}");
        let server = shop.world.server_mut(member);
        server.kill();
        sleep(Duration::from_millis(self.chance.below(300)));
        server.start();
    }

    /// All is fine again, but for a last kid that dies between two commits while everybody still
    /// writes: what goes wrong then, no later write can put right.
    pub fn clear_up(&self, shop: &Shop) {
        shop.links.iter().for_each(|(_, link)| link.resume());
        STEPS.iter().for_each(|step| drop(fs::remove_file(shop.wishes().join(step))));
        let wish = shop.wishes().join("ReceiverCommitted");
        fs::write(&wish, "").unwrap();
        wait_until("a kid has died between two commits", 3 * PATIENCE, || (!wish.exists()).then_some(()));
    }
}
