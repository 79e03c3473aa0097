//! What `kick` shows while it waits (reference, 3.9): the name, a timer that overwrites itself with
//! backspaces, a word for each target, an end word. Fed with moments and events; answers with the
//! bytes to print.

/// A line that is broken at the edge of the screen could not be overwritten.
const LONGEST_ASIDE: usize = 50;

/// Something the daemon said about the sync that was kicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A target is done.
    TargetDone(String),
    /// All targets are done.
    Done,
    /// The worker of a target died.
    TargetKilled(String),
    /// The run died.
    Killed,
}

impl Event {
    /// Whether it is shown at the end of the line: it is about the whole sync.
    pub fn is_word_for_the_end(&self) -> bool {
        matches!(self, Event::Done | Event::Killed)
    }
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing (`--quiet`).
    Quiet,
    /// Words (`--notimer`).
    Words,
    /// Words and the timer.
    Timer,
}

/// The display of one sync.
pub struct Display {
    style: Style,
    /// Whether there is a word for each target.
    targets: bool,
    /// What is on the screen behind the name, and is printed again at each tick.
    shown: String,
    /// How far the daemon is; behind that, until the next tick or word.
    aside: String,
    seconds: u64,
}

impl Display {
    /// A display, and what it prints first.
    pub fn open(name: &str, style: Style) -> (Display, String) {
        let timer = if style == Style::Timer { "[0 s] " } else { "" };
        let first = format!("Kick {name}: {timer}");
        let display = Display { style, targets: true, shown: timer.to_owned(), aside: String::new(), seconds: 0 };
        (display, if style == Style::Quiet { String::new() } else { first })
    }

    /// The same without words for the targets, which the newer dialect never shows.
    pub fn without_targets(self) -> Display {
        Display { targets: false, ..self }
    }

    /// Time passed, and the daemon is so far. The timer moves only when the whole seconds changed.
    pub fn tick(&mut self, seconds: u64, aside: &str) -> String {
        if seconds == self.seconds {
            return String::new();
        }
        let old = std::mem::replace(&mut self.seconds, seconds);
        if self.style != Style::Timer {
            return String::new();
        }
        let back = "\u{8}".repeat(self.shown.chars().count());
        let gone = self.without_aside();
        self.shown = self.shown.replacen(&old.to_string(), &seconds.to_string(), 1);
        // The amounts, which matter most, stand at the end.
        self.aside = aside.chars().skip(aside.chars().count().saturating_sub(LONGEST_ASIDE)).collect();
        format!("{gone}{back}{}{}", self.shown, self.aside)
    }

    /// Something happened.
    pub fn tell(&mut self, event: &Event) -> String {
        let seconds = self.seconds;
        let word = match event {
            Event::TargetDone(target) => format!("{target}({seconds}s) "),
            Event::TargetKilled(target) => format!("{target} KILLED ({seconds}s) "),
            Event::Done => "DONE!".to_owned(),
            Event::Killed => "KILLED!".to_owned(),
        };
        if self.style == Style::Quiet || !(self.targets || event.is_word_for_the_end()) {
            return String::new();
        }
        self.shown.push_str(&word);
        self.without_aside() + &word
    }

    /// Blanks out what was shown behind the rest.
    fn without_aside(&mut self) -> String {
        let length = std::mem::take(&mut self.aside).chars().count();
        let back = "\u{8}".repeat(length);
        format!("{back}{}{back}", " ".repeat(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a display through moments and events, `^H` for a backspace.
    fn shown(name: &str, style: Style, happenings: &[(u64, Event)]) -> String {
        let (mut display, mut text) = Display::open(name, style);
        for (seconds, event) in happenings {
            text += &display.tick(*seconds, "");
            text += &display.tell(event);
        }
        text.replace('\u{8}', "^H")
    }

    fn done(target: &str) -> Event {
        Event::TargetDone(target.to_owned())
    }

    fn killed(target: &str) -> Event {
        Event::TargetKilled(target.to_owned())
    }

    #[test]
    fn two_targets_a_second_later() {
        let text = shown("grp", Style::Timer, &[(1, done("c")), (1, done("B")), (1, Event::Done)]);
        assert_eq!(text, "Kick grp: [0 s] ^H^H^H^H^H^H[1 s] c(1s) B(1s) DONE!");
    }

    #[test]
    fn the_words_already_shown_are_printed_again_at_the_next_tick() {
        let text = shown("s1", Style::Timer, &[(0, done("B")), (1, done("B")), (1, Event::Done)]);
        assert_eq!(text, "Kick s1: [0 s] B(0s) ^H^H^H^H^H^H^H^H^H^H^H^H[1 s] B(0s) B(1s) DONE!");
    }

    #[test]
    fn without_timer_there_are_only_words() {
        assert_eq!(shown("s1", Style::Words, &[(1, done("B")), (1, Event::Done)]), "Kick s1: B(1s) DONE!");
    }

    #[test]
    fn a_kill_has_its_own_words() {
        let text = shown("s1", Style::Timer, &[(0, killed("B")), (0, Event::Killed)]);
        assert_eq!(text, "Kick s1: [0 s] B KILLED (0s) KILLED!");
    }

    #[test]
    fn the_timer_grows_by_a_digit() {
        let (mut display, _) = Display::open("s1", Style::Timer);
        for seconds in 1..=9 {
            display.tick(seconds, "");
        }
        assert_eq!(display.tick(10, "").replace('\u{8}', "^H"), "^H^H^H^H^H^H[10 s] ");
        assert_eq!(display.tick(10, ""), "");
        assert_eq!(display.tick(12, "").replace('\u{8}', "^H"), "^H^H^H^H^H^H^H[12 s] ");
    }

    #[test]
    fn the_newer_dialect_has_no_words_for_targets() {
        let mut display = Display::open("s1", Style::Words).0.without_targets();
        assert_eq!([done("B"), killed("C"), Event::Killed].map(|event| display.tell(&event)).concat(), "KILLED!");
    }

    #[test]
    fn how_far_it_is_stands_at_the_end_until_there_is_something_else() {
        let mut display = Display::open("s1", Style::Timer).0;
        assert_eq!(display.tick(1, "copy").replace('\u{8}', "^"), "^^^^^^[1 s] copy");
        assert_eq!(display.tick(2, "ab").replace('\u{8}', "^"), "^^^^    ^^^^^^^^^^[2 s] ab");
        assert_eq!(display.tell(&done("B")).replace('\u{8}', "^"), "^^  ^^B(2s) ");
        let far = "copy public.customers_of_long_ago 1200000 of 3000000 rows, 300000/s, 6 s left";
        assert!(display.tick(3, far).ends_with("B(2s) ng_ago 1200000 of 3000000 rows, 300000/s, 6 s left"));
    }

    #[test]
    fn quiet_is_quiet() {
        assert_eq!(shown("s1", Style::Quiet, &[(1, done("B")), (2, Event::Done)]), "");
    }
}
