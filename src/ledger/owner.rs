//! Who made a reservation, and whether that process is still there.
//!
//! On Linux a process is known by its number and by when it started, within
//! one boot and one namespace of numbers: a container that shares the ledger
//! counts its own. Where its numbers can't be looked up, and on systems that
//! tell less, a reservation is taken for lost after a day. That a living
//! process is taken for a dead one costs nothing: what is lost counts as what
//! is open does, and its call settles it all the same.

use std::fs;
use std::time::Duration;

/// A reservation older than this is lost where nothing better is known: no
/// answer takes as long.
const LONGEST_CALL: Duration = Duration::from_hours(24);

/// A process, as far as the system lets it be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The boot and the namespace that the number belongs to; empty where the
    /// system does not say.
    pub(super) machine: String,
    /// The process's number.
    pub(super) process: u32,
    /// When it started, in the system's own unit.
    pub(super) began: Option<i64>,
}

impl Owner {
    /// This process.
    pub(super) fn current() -> Self {
        Self::of(std::process::id())
    }

    /// A process of this system.
    pub(super) fn of(process: u32) -> Self {
        Self { machine: machine(), process, began: stat(process).map(|stat| stat.began) }
    }

    /// Whether the process is certainly still there, asked by another one. Where
    /// that can't be found out it is not certain.
    pub(super) fn is_there(&self, asked_by: &Self) -> bool {
        match stat(self.process) {
            _ if self.machine != asked_by.machine => false,
            Some(stat) => !stat.has_ended && Some(stat.began) == self.began,
            None => self.began.is_none() && is_process(self.process),
        }
    }

    /// Whether the process is gone, asked by another one after `age`.
    pub(super) fn is_gone(&self, asked_by: &Self, age: Duration) -> bool {
        if self == asked_by {
            return false;
        }
        match (self.machine.split_once(' '), asked_by.machine.split_once(' ')) {
            // SQLite's journal is shared memory: two running systems can't use one ledger.
            (Some((boot, _)), Some((this_boot, _))) if boot != this_boot => true,
            (Some((_, space)), Some((_, this_space))) if space == this_space => {
                stat(self.process).is_none_or(|stat| stat.has_ended || Some(stat.began) != self.began)
            }
            _ => age > LONGEST_CALL || (self.machine == asked_by.machine && no_such_process(self.process)),
        }
    }
}

/// `BOOT NAMESPACE` on Linux.
fn machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let named = !boot.trim().is_empty() && !space.as_os_str().is_empty();
    if named { format!("{} {}", boot.trim(), space.display()) } else { String::new() }
}

struct Stat {
    has_ended: bool,
    began: i64,
}

/// What Linux says of a process (proc(5): the state is field 3, the start in
/// ticks since boot field 22; the name before them may hold anything).
fn stat(process: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    // Killed, and only waiting for its parent to take notice.
    let has_ended = matches!(fields.next()?, "Z" | "X");
    Some(Stat { has_ended, began: fields.nth(18)?.parse().ok()? })
}

#[cfg(unix)]
fn is_process(process: u32) -> bool {
    !no_such_process(process)
}

/// On Windows nothing is known of a number alone.
#[cfg(not(unix))]
fn is_process(_process: u32) -> bool {
    false
}

#[cfg(unix)]
fn no_such_process(process: u32) -> bool {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(not(unix))]
fn no_such_process(_process: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn this_process_lives_however_old_it_is() {
        let here = Owner::current();
        assert!(!here.is_gone(&Owner::current(), HOUR * 1_000));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_gone_where_its_number_is_free_or_another_has_it() {
        let here = Owner::current();
        let asking = Owner { process: here.process + 1, ..here.clone() };
        assert!(!here.is_gone(&asking, HOUR * 1_000), "it lives, asleep or not");
        let earlier = Owner { began: here.began.map(|began| began - 1), ..here.clone() };
        assert!(earlier.is_gone(&asking, Duration::ZERO));
        let free = Owner { process: u32::MAX - 7, ..here.clone() };
        assert!(free.is_gone(&asking, Duration::ZERO));
    }

    #[test]
    fn what_cannot_be_looked_up_is_gone_after_a_day() {
        let of = |machine: &str| Owner { machine: machine.to_owned(), process: 7, began: Some(1) };
        let here = Owner { process: 8, ..of("boot space") };
        assert!(!of("boot container").is_gone(&here, HOUR * 23));
        assert!(of("boot container").is_gone(&here, HOUR * 25));
        assert!(of("earlier space").is_gone(&here, Duration::ZERO), "the machine was started anew");
        assert!(!of("").is_gone(&here, HOUR * 23) && of("").is_gone(&here, HOUR * 25));
    }

    #[cfg(unix)]
    #[test]
    fn a_killed_child_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let here = Owner::current();
        let owner = Owner {
            process: child.id(),
            began: stat(child.id()).map(|stat| stat.began),
            machine: here.machine.clone(),
        };
        assert!(!owner.is_gone(&here, Duration::ZERO));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(owner.is_gone(&here, Duration::ZERO));
    }
}
