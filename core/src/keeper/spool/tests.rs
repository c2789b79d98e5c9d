use super::{slot::Draft, *};

const ATTEMPT: AttemptId = AttemptId([1; 16]);
const PARENT: Parent = Parent { grant: 7, chain: 9, lineage: Lineage([2; 16]) };

fn label() -> Label {
    Label::rotation("local.1", ATTEMPT, PARENT, "https://oauth.bitrix.info/")
}

async fn open(folder: &Path) -> Spool {
    Spool::open(Some(folder.join("s")), vec![1], Clock::system()).await.unwrap()
}

/// As after a kill: the lock falls with the process.
fn kill(slot: Slot) {
    drop(slot);
}

#[tokio::test]
async fn an_answer_survives_until_it_is_done_and_two_days_more() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let spool = Spool::open(Some(folder.path().into()), vec![1], clock.clone()).await.unwrap();
    let mut slot = spool.reserve(label()).await.unwrap();
    assert!(spool.left().await.unwrap().is_empty(), "its process lives");
    assert!(matches!(spool.fate(ATTEMPT).await.unwrap(), Fate::Held));
    slot.write(200, b"sealed".to_vec()).await.unwrap();
    assert_eq!(spool.depth().await.unwrap(), 1);
    kill(slot);

    let slot = spool.left().await.unwrap().pop().unwrap();
    assert_eq!(slot.sealed(), b"sealed");
    assert_eq!(slot.label().attempt(), Some(ATTEMPT));
    assert_eq!(slot.label().parent(), Some(PARENT));
    assert_eq!(slot.label().status, Some(200));
    slot.done().await.unwrap();
    assert_eq!(spool.depth().await.unwrap(), 0);
    assert!(spool.left().await.unwrap().is_empty());
    let kept = spool.successors(PARENT.chain, PARENT.lineage).await.unwrap();
    assert_eq!(kept[0].1, b"sealed");
    clock.turn(49 * 3600);
    spool.prune().await.unwrap();
    assert!(spool.successors(PARENT.chain, PARENT.lineage).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_holder_is_told_from_a_living_one() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, neighbour) = (open(folder.path()).await, open(folder.path()).await);
    assert_eq!(spool.node(), neighbour.node(), "one folder, one node");
    let slot = spool.reserve(label()).await.unwrap();
    assert!(matches!(neighbour.fate(ATTEMPT).await.unwrap(), Fate::Held));
    kill(slot);
    assert!(matches!(neighbour.fate(ATTEMPT).await.unwrap(), Fate::Gone));
    let mut slot = neighbour.reserve(label()).await.unwrap();
    slot.write(200, b"sealed".to_vec()).await.unwrap();
    let Fate::Answered(label, sealed) = spool.fate(ATTEMPT).await.unwrap() else {
        panic!("the answer is there while its holder lives")
    };
    assert_eq!((label.parent(), sealed.as_slice()), (Some(PARENT), &b"sealed"[..]));
    kill(slot);
    let Fate::Left(left) = spool.fate(ATTEMPT).await.unwrap() else { panic!("an answer was left") };
    assert_eq!(left.sealed(), b"sealed");
    assert!(neighbour.left().await.unwrap().is_empty(), "one process salvages it");
}

#[tokio::test]
async fn a_verdict_waits_for_an_answer_that_may_come_and_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let spool = Spool::open(Some(folder.path().into()), vec![1], clock.clone()).await.unwrap();
    let other = Parent { chain: PARENT.chain + 1, ..PARENT };
    assert!(!spool.may_bring(PARENT).await.unwrap());

    kill(spool.reserve(label()).await.unwrap());
    assert!(!spool.may_bring(PARENT).await.unwrap(), "its process died without an answer");
    let mut slot = spool.reserve(label()).await.unwrap();
    assert!(spool.may_bring(PARENT).await.unwrap(), "its process may be about to write");
    assert!(!spool.may_bring(other).await.unwrap(), "that is another chain's");

    slot.write(200, b"sealed by a key that is gone".to_vec()).await.unwrap();
    kill(slot);
    assert!(spool.may_bring(PARENT).await.unwrap(), "it waits to be brought in");
    clock.turn(i64::try_from(keep::HOLD_BACK.as_secs()).unwrap() + 1);
    assert!(!spool.may_bring(PARENT).await.unwrap(), "nobody could bring it in");
    assert_eq!(spool.left().await.unwrap().len(), 1, "it is kept all the same");
}

#[tokio::test]
async fn half_a_label_counts_while_somebody_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let slot = spool.reserve(label()).await.unwrap();
    let path = slot::all(&folder.path().join("s")).unwrap().pop().unwrap();
    let whole = fs::read(&path).unwrap();
    let half = [&whole[..40], &vec![b'\n'; whole.len() - 40]].concat();
    fs::write(&path, half).unwrap();
    assert!(spool.may_bring(PARENT).await.unwrap());
    assert!(matches!(spool.fate(ATTEMPT).await.unwrap(), Fate::Held));
    kill(slot);
    assert!(!spool.may_bring(PARENT).await.unwrap(), "nobody writes on");
    assert!(matches!(spool.fate(ATTEMPT).await.unwrap(), Fate::Gone));
}

#[tokio::test]
async fn a_label_that_would_not_fit_with_its_answer_is_refused_before() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let (mut taken, mut refused) = (0, 0);
    for length in 500..900 {
        let server = format!("https://{}/", "a".repeat(length));
        let label = Label::rotation("local.1", ATTEMPT, PARENT, &server);
        let Ok(mut slot) = spool.reserve(label).await else {
            refused += 1;
            continue;
        };
        slot.write(65535, vec![7; crate::oauth::LONGEST_ANSWER + 100]).await.unwrap();
        slot.discard().await.unwrap();
        taken += 1;
    }
    assert!(taken > 0 && refused > 0, "{taken} {refused}");
}

#[tokio::test]
async fn slots_are_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    for _ in 0..5 {
        let mut slot = spool.reserve(label()).await.unwrap();
        slot.write(200, vec![7; 900]).await.unwrap();
        slot.done().await.unwrap();
        spool.reserve(label()).await.unwrap().discard().await.unwrap();
    }
    assert_eq!(slot::all(&folder.path().join("s")).unwrap().len(), 1);
    assert!(matches!(spool.fate(ATTEMPT).await.unwrap(), Fate::Gone));
}

fn files(folder: &Path, extension: &str) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == extension)).count()
}

#[tokio::test]
async fn a_slot_is_there_for_others_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, sibling) = (open(folder.path()).await, open(folder.path()).await);
    let folder = folder.path().join("s");
    let drafts = || files(&folder, "draft");
    // The sibling looks before the draft is locked, and takes its maker for dead.
    let draft = Draft::begin(&folder).unwrap();
    assert!(sibling.left().await.unwrap().is_empty());
    assert!(draft.finish(&folder).unwrap().is_none(), "nobody would find an answer in it");
    // It is about to.
    let draft = Draft::begin(&folder).unwrap();
    let looking = SlotFile::take(&draft.path).unwrap().unwrap();
    assert!(draft.finish(&folder).unwrap().is_none());
    drop(looking);
    // A draft that its maker left is cleared away; one that it holds is not.
    drop(Draft::begin(&folder).unwrap());
    let held = Draft::begin(&folder).unwrap();
    held.lock().unwrap();
    sibling.left().await.unwrap();
    assert_eq!((drafts(), files(&folder, "slot")), (1, 0));
    let slot = held.finish(&folder).unwrap().unwrap();
    assert!(slot.is_there() && slot.is_whole());
    assert!(SlotFile::take(&slot.path).unwrap().is_none(), "locked before it had its name");
    assert_eq!((drafts(), files(&folder, "slot")), (0, 1));
    // What is reserved while a sibling looks all the time is found.
    let looking = tokio::spawn(async move {
        loop {
            sibling.left().await.unwrap();
        }
    });
    for _ in 0..20 {
        let mut slot = spool.reserve(label()).await.unwrap();
        slot.write(200, b"sealed".to_vec()).await.unwrap();
        assert_eq!(spool.depth().await.unwrap(), 1);
        // Without it the next one is new too.
        fs::remove_file(&slot.file.take().unwrap().path).unwrap();
    }
    looking.abort();
}

#[tokio::test]
async fn a_torn_slot_is_no_answer_and_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    let mut slot = spool.reserve(label()).await.unwrap();
    slot.write(200, vec![7; 900]).await.unwrap();
    kill(slot);
    let path = slot::all(&folder.path().join("s")).unwrap().pop().unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in [1, 10, 1024, 1027, 1100] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(open(folder.path()).await.left().await.unwrap().is_empty(), "{cut}");
        spool.reserve(label()).await.unwrap().discard().await.unwrap();
    }
    fs::write(&path, "nonsense").unwrap();
    assert!(spool.left().await.unwrap().is_empty());
}

#[test]
fn a_spool_that_two_machines_may_share_is_refused() {
    let folder = Path::new("/home/somebody/.local/state/evergrant/ab");
    let error = refuse_network(folder, Some("nfs")).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    let text = format!("{error:?} {error}");
    for word in ["/home/somebody/.local/state/evergrant/ab", "nfs", "EVERGRANT_SPOOL"] {
        assert!(text.contains(word), "{text}");
    }
    let local = tempfile::tempdir().unwrap();
    refuse_network(local.path(), on_network(&local.path().join("to/be/made"))).unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_can_use_is_tried_more_and_more_rarely() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let spool = Spool::open(Some(folder.path().into()), vec![1], clock.clone()).await.unwrap();
    let consent =
        Label::consent("local.1", AttemptId([3; 16]), &crate::keeper::Claims::default(), "s");
    let mut kept = Vec::new();
    for label in [label(), consent] {
        let mut slot = spool.reserve(label).await.unwrap();
        slot.write(200, b"sealed".to_vec()).await.unwrap();
        kept.push(slot);
    }
    kept.into_iter().for_each(kill);
    let mut tries = 0;
    // As the background work does for a day.
    for _ in 0..24 * 240 {
        let left = spool.left().await.unwrap();
        assert!(left.iter().any(|slot| slot.label().parent().is_some()), "a rotation's every time");
        tries += left.iter().filter(|slot| slot.label().parent().is_none()).count();
        left.into_iter().for_each(kill);
        clock.turn(15);
    }
    assert!((28..=34).contains(&tries), "{tries}");
    // It is there all the same, and taken like any other when it can be used.
    clock.turn(3600);
    let consent =
        spool.left().await.unwrap().into_iter().find(|slot| slot.label().parent().is_none());
    consent.unwrap().done().await.unwrap();
    assert_eq!(spool.consents().await.unwrap().len(), 1);
}

#[tokio::test]
async fn marks_never_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(folder.path()).await;
    assert_eq!(spool.marked(7).await.unwrap(), None);
    for generation in [5, 9, 6] {
        spool.mark(7, generation).await.unwrap();
    }
    assert_eq!(open(folder.path()).await.marked(7).await.unwrap(), Some(9));
}
