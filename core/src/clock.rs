//! Time as the core sees it: wall time for expiry, boot time for deadlines.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::time::{ClockId, clock_gettime};

/// Wall time in whole Unix seconds, and the time since the machine started. Deadlines are never
/// computed from the wall time, which jumps, nor from [`std::time::Instant`], which stands still
/// while the machine sleeps.
#[derive(Clone, Default)]
pub struct Clock {
    offsets: Arc<Offsets>,
}

/// A sleeper looks again this often: the timers of the runtime stand still while the machine sleeps.
const LOOK: Duration = Duration::from_secs(1);

/// Seconds added to the system's time. Tests turn them; programs leave them at zero.
#[derive(Default)]
struct Offsets {
    wall: AtomicI64,
    boot: AtomicI64,
    /// Wakes who sleeps by this clock when it is turned.
    turned: tokio::sync::Notify,
}

/// The clock that runs on through a suspend.
#[cfg(any(target_os = "android", target_os = "linux"))]
const BOOT: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
const BOOT: ClockId = ClockId::Monotonic;
/// The wall time of the system's last tick.
#[cfg(any(target_os = "android", target_os = "linux"))]
const WALL: ClockId = ClockId::RealtimeCoarse;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
const WALL: ClockId = ClockId::Realtime;

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Now, in Unix seconds. Asked at every read of a token: where the system keeps a time that is
    /// some milliseconds old and cheap to read, it is that.
    #[must_use]
    pub fn now(&self) -> i64 {
        let turned = self.offsets.wall.load(Ordering::Relaxed);
        // A machine whose clock stands before 1970 still has to work.
        let system = clock_gettime(WALL).tv_sec.max(0);
        system.saturating_add(turned).saturating_add(staged(system_boot) / 1_000_000_000)
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn now_millis(&self) -> i64 {
        let system = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            // A machine whose clock stands before 1970 still has to work.
            Err(_) => 0,
        };
        let turned = self.offsets.wall.load(Ordering::Relaxed).saturating_mul(1000);
        system.saturating_add(turned).saturating_add(staged(system_boot) / 1_000_000)
    }

    /// How much time was made to pass: a store with a clock of its own adds it there. A jump of this
    /// machine's clock means nothing to it.
    pub(crate) fn offset_millis(&self) -> i64 {
        let turned = self.offsets.boot.load(Ordering::Relaxed).saturating_mul(1000);
        turned.saturating_add(staged(system_boot) / 1_000_000)
    }

    /// Since the machine started, the time that it slept included. No clock jump moves it.
    #[must_use]
    pub fn boot(&self) -> Duration {
        let system = system_boot();
        let offset = self.offsets.boot.load(Ordering::Relaxed);
        let turned = Duration::from_secs(offset.unsigned_abs());
        let boot =
            if offset < 0 { system.saturating_sub(turned) } else { system.saturating_add(turned) };
        boot.saturating_add(Duration::from_nanos(staged(|| system).unsigned_abs()))
    }

    /// Turns this clock and all its clones by `seconds`, as if they had passed; for tests.
    pub fn turn(&self, seconds: i64) {
        self.offsets.boot.fetch_add(seconds, Ordering::Relaxed);
        self.jump(seconds);
        self.offsets.turned.notify_waiters();
    }

    /// Waits until the boot time is `moment`, by this clock: turning it shortens the wait.
    pub(crate) async fn sleep_until(&self, moment: Duration) {
        loop {
            let turned = self.offsets.turned.notified();
            tokio::pin!(turned);
            // From here on a turn is not missed.
            turned.as_mut().enable();
            let left = moment.saturating_sub(self.boot());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = turned => {}
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }

    /// Waits for so long, by this clock.
    pub(crate) async fn sleep(&self, time: Duration) {
        self.sleep_until(self.boot().saturating_add(time)).await;
    }

    /// Sets the wall time of this clock and all its clones ahead by `seconds`, as an administrator
    /// or NTP may; the boot time stays. For tests.
    pub fn jump(&self, seconds: i64) {
        self.offsets.wall.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn system_boot() -> Duration {
    Duration::try_from(clock_gettime(BOOT)).unwrap_or_default()
}

/// Nanoseconds that the file named by `EVERGRANT_CLOCK` adds to both times, never negative. A test turns the time
/// of many processes at once with it, stopped ones included, or makes it run faster. The file is read anew each time:
/// three numbers of eight bytes, little-endian: milliseconds to add; the boot time, in nanoseconds, from which time
/// runs faster; by how much.
#[cfg(feature = "faults")]
fn staged(boot: impl FnOnce() -> Duration) -> i64 {
    use std::{fs::File, os::unix::fs::FileExt, sync::OnceLock};

    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let file = FILE.get_or_init(|| File::open(std::env::var_os("EVERGRANT_CLOCK")?).ok());
    let mut bytes = [0; 24];
    if file.as_ref().is_none_or(|file| file.read_exact_at(&mut bytes, 0).is_err()) {
        return 0;
    }
    let (numbers, _) = bytes.as_chunks::<8>();
    let number = |at: usize| numbers.get(at).map_or(0, |bytes| i64::from_le_bytes(*bytes));
    let (millis, since, faster) = (number(0), number(1), number(2));
    let passed = i64::try_from(boot().as_nanos()).unwrap_or(i64::MAX).saturating_sub(since);
    millis.saturating_mul(1_000_000).saturating_add(passed.saturating_mul(faster)).max(0)
}

#[cfg(not(feature = "faults"))]
fn staged(_boot: impl FnOnce() -> Duration) -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_moves_the_wall_time_alone() {
        let clock = Clock::system();
        let (wall, boot) = (clock.now(), clock.boot());
        clock.jump(-100_000);
        assert!(clock.now() < wall - 90_000);
        assert!(clock.boot() >= boot && clock.boot() < boot + Duration::from_secs(60));
    }

    #[tokio::test]
    async fn a_turn_wakes_who_sleeps() {
        let clock = Clock::system();
        let sleeper = clock.clone();
        let sleeper = tokio::spawn(async move { sleeper.sleep(Duration::from_secs(3600)).await });
        tokio::task::yield_now().await;
        clock.turn(1800);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.turn(1801);
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }

    #[test]
    fn a_turn_moves_both_times_of_every_clone() {
        let clock = Clock::system();
        let (wall, boot) = (clock.now(), clock.boot());
        clock.clone().turn(100);
        assert!(clock.now() >= wall + 100);
        assert!(clock.boot() >= boot + Duration::from_secs(100));
        clock.turn(i64::MIN / 2);
        assert_eq!(clock.boot(), Duration::ZERO, "no time before the machine started");
    }
}
