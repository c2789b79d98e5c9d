//! Writes that wait for one another share a transaction: the disk is waited for once for all of them.
//!
//! Whoever gets the connection does everything that has been asked for by then. The others find their
//! answers there when their turn comes.

use std::sync::{
    Mutex, PoisonError,
    mpsc::{Receiver, Sender, channel},
};

use rusqlite::{Connection, TransactionBehavior, ffi};

use super::Now;

type Done<T> = rusqlite::Result<T>;

/// So many at most: a lease must not wait long for its commit.
const MOST: usize = 64;

/// What is asked for and not begun.
#[derive(Default)]
pub(super) struct Writes(Mutex<Vec<Box<dyn Write>>>);

trait Write: Send {
    /// Does the work, in a savepoint of its own.
    fn run(&mut self, db: &Connection, now: &Now) -> Done<()>;
    /// Says what came of it, once that is certain.
    fn tell(self: Box<Self>, outcome: Done<()>);
}

struct Asked<T, W> {
    work: Option<W>,
    value: Option<T>,
    told: Sender<Done<T>>,
}

impl<T: Send, W: FnOnce(&Connection, &Now) -> Done<T> + Send> Write for Asked<T, W> {
    fn run(&mut self, db: &Connection, now: &Now) -> Done<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(db, now)?);
        }
        Ok(())
    }

    fn tell(self: Box<Self>, outcome: Done<()>) {
        let Self { value, told, .. } = *self;
        // Who asked may have stopped listening.
        let _ = told.send(outcome.and_then(|()| value.ok_or(rusqlite::Error::InvalidQuery)));
    }
}

impl Writes {
    /// Asks for `work`. It is done by whoever next calls [`Self::perform`].
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Now) -> Done<T> + Send + 'static,
    ) -> Receiver<Done<T>> {
        let (told, answer) = channel();
        self.waiting().push(Box::new(Asked { work: Some(work), value: None, told }));
        answer
    }

    /// Does what is asked for, until `answer` is there.
    pub(super) fn perform<T>(
        &self,
        connection: &mut Connection,
        now: impl Fn() -> Now,
        answer: &Receiver<Done<T>>,
    ) -> Done<T> {
        loop {
            if let Ok(answer) = answer.try_recv() {
                return answer;
            }
            let mut writes = self.waiting();
            let count = writes.len().min(MOST);
            let batch: Vec<Box<dyn Write>> = writes.drain(..count).collect();
            drop(writes);
            if batch.is_empty() {
                // Its work panicked in somebody else's hands.
                return answer.try_recv().unwrap_or(Err(rusqlite::Error::InvalidQuery));
            }
            commit(connection, &now, batch);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Box<dyn Write>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One transaction. Nobody hears of a success before it is durable; one that fails takes back its own
/// work alone.
fn commit(connection: &mut Connection, now: &impl Fn() -> Now, mut batch: Vec<Box<dyn Write>>) {
    let mut outcomes: Vec<Done<()>> = Vec::with_capacity(batch.len());
    let committed = (|| {
        let mut transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for write in &mut batch {
            let savepoint = transaction.savepoint()?;
            // Only now: behind another writer a lease could be born expired.
            let done = write.run(&savepoint, &now());
            // What fills the disk ends the transaction, and all that was done in it.
            let is_over = savepoint.is_autocommit();
            match done {
                Err(error) if is_over => return Err(error),
                Err(error) => {
                    outcomes.push(Err(error));
                    savepoint.finish()?;
                }
                Ok(()) => {
                    savepoint.commit()?;
                    outcomes.push(Ok(()));
                }
            }
        }
        transaction.commit()
    })();
    // Each hears of its own failure; without a commit nothing succeeded.
    let mut outcomes = outcomes.into_iter();
    for write in batch {
        let outcome = outcomes.next().unwrap_or(Ok(()));
        write.tell(outcome.and_then(|()| committed.as_ref().map_err(same).copied()));
    }
}

/// The same error once more.
fn same(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            rusqlite::Error::SqliteFailure(*code, message.clone())
        }
        other => rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_ABORT),
            Some(other.to_string()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Now {
        Now { wall: 0, boot: 0, boot_id: "" }
    }

    #[test]
    fn one_that_fails_takes_back_its_own_work_alone() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE n (n INTEGER PRIMARY KEY)").unwrap();
        let writes = Writes::default();
        let insert = |numbers: &'static [i64]| {
            writes.ask(move |db: &Connection, _: &Now| {
                for number in numbers {
                    db.execute("INSERT INTO n VALUES (?1)", [number])?;
                }
                Ok(numbers.len())
            })
        };
        let (first, failing, last) = (insert(&[1, 2]), insert(&[3, 1]), insert(&[4]));
        assert_eq!(writes.perform(&mut db, now, &last).unwrap(), 1);
        assert_eq!(first.recv().unwrap().unwrap(), 2, "done by the one that came last");
        assert!(failing.recv().unwrap().is_err());
        let sum: i64 = db.query_row("SELECT sum(n) FROM n", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 7);
        assert!(db.is_autocommit());
    }

    #[test]
    fn without_a_commit_nobody_succeeded() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE n (n INTEGER PRIMARY KEY)").unwrap();
        let writes = Writes::default();
        let first = writes.ask(|db, _| db.execute("INSERT INTO n VALUES (1)", []));
        // As a full disk does.
        let ends = writes.ask(|db, _| {
            db.execute_batch("ROLLBACK")?;
            db.execute("INSERT INTO nowhere VALUES (1)", [])
        });
        assert!(writes.perform(&mut db, now, &ends).is_err());
        assert!(first.recv().unwrap().is_err());
        let count: i64 = db.query_row("SELECT count(*) FROM n", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
        assert_eq!(
            writes
                .ask(|_, _| Ok(5))
                .recv_timeout(std::time::Duration::ZERO)
                .ok()
                .map(Result::unwrap),
            None
        );
        let again = writes.ask(|_, _| Ok(6));
        assert_eq!(writes.perform(&mut db, now, &again).unwrap(), 6);
    }
}
