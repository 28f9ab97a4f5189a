//! B1 to B7.

use super::check::{self, Check, Outcome, hold, present, same};
use super::report::Report;
use crate::contract::{BlobInfo, BlobStore};
use crate::types::{Digest, PracticeId};

struct Bench {
    store: Box<dyn BlobStore>,
    practice: PracticeId,
    other: PracticeId,
}

pub(super) async fn run(open: impl AsyncFn() -> Box<dyn BlobStore>) -> Report {
    check::run("blob store", CHECKS, async || {
        let (practice, other) = (PracticeId::new("practice/1 ü")?, PracticeId::new("practice/1 Ü")?);
        Ok(Bench { store: open().await, practice, other })
    })
    .await
}

const CHECKS: &[Check<Bench>] = &[
    Check { clause: "B1", name: "what was finished is read whole", run: |b| Box::pin(read_whole(b)) },
    Check {
        clause: "B1",
        name: "a large blob written in many pieces is read whole",
        run: |b| Box::pin(large(b)),
    },
    Check {
        clause: "B2",
        name: "a writer dropped before its end leaves nothing",
        run: |b| Box::pin(dropped_writer(b)),
    },
    Check {
        clause: "B2",
        name: "a blob is not there while it is being written",
        run: |b| Box::pin(unfinished(b)),
    },
    Check { clause: "B3", name: "the same octets twice are one blob", run: |b| Box::pin(same_twice(b)) },
    Check {
        clause: "B3",
        name: "two writers of the same octets at once both succeed",
        run: |b| Box::pin(same_at_once(b)),
    },
    Check { clause: "B4", name: "ranges are exact", run: |b| Box::pin(ranges(b)) },
    Check { clause: "B5", name: "practices do not see each other's blobs", run: |b| Box::pin(isolated(b)) },
    Check {
        clause: "B6",
        name: "a deleted blob is gone and can be written again",
        run: |b| Box::pin(deleted(b)),
    },
    Check {
        clause: "B6",
        name: "deleting what is not there is no error",
        run: |b| Box::pin(deleted_nothing(b)),
    },
    Check {
        clause: "B7",
        name: "the list names every blob once, in order, from any digest on",
        run: |b| Box::pin(listed(b)),
    },
];

impl Bench {
    async fn put(&self, practice: &PracticeId, octets: &[u8]) -> Outcome<BlobInfo> {
        let mut writer = self.store.writer(practice).await?;
        for piece in octets.chunks(octets.len() / 3 + 1) {
            writer.write(piece).await?;
        }
        Ok(writer.finish().await?)
    }

    async fn whole(&self, octets: &[u8]) -> Outcome<Option<Vec<u8>>> {
        Ok(self.store.read(&self.practice, Digest::of(octets), 0, octets.len() + 10).await?)
    }

    async fn all(&self, practice: &PracticeId) -> Outcome<Vec<BlobInfo>> {
        Ok(self.store.list(practice, None, 10_000).await?)
    }
}

fn info(octets: &[u8]) -> BlobInfo {
    BlobInfo::new(Digest::of(octets), octets.len() as u64)
}

async fn read_whole(b: &Bench) -> Outcome {
    for octets in [&b""[..], b"\0", b"Subject: =?utf-8?q?=C3=BC?=\r\n\r\n\xff\xfe\0text\r\n"] {
        same("what finishing answers", &b.put(&b.practice, octets).await?, &info(octets))?;
        same("the blob", &b.whole(octets).await?, &Some(octets.to_vec()))?;
    }
    let unknown = b.store.read(&b.practice, Digest::of(b"unknown"), 0, 1).await?;
    same("a blob that was never written", &unknown, &None)
}

async fn large(b: &Bench) -> Outcome {
    let octets: Vec<u8> = (0..5_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut writer = b.store.writer(&b.practice).await?;
    for piece in octets.chunks(61_441) {
        writer.write(piece).await?;
    }
    writer.write(b"").await?;
    same("what finishing answers", &writer.finish().await?, &info(&octets))?;
    let read = present("the blob", b.whole(&octets).await?)?;
    same("its length", &read.len(), &octets.len())?;
    hold(read == octets, || "its octets are others".to_owned())
}

async fn dropped_writer(b: &Bench) -> Outcome {
    let octets = vec![7; 300_000];
    let mut writer = b.store.writer(&b.practice).await?;
    writer.write(&octets).await?;
    drop(writer);
    drop(b.store.writer(&b.practice).await?);
    same("the blob of a dropped writer", &b.whole(&octets).await?, &None)?;
    same("the blob of a writer dropped at once", &b.whole(b"").await?, &None)?;
    same("the list", &b.all(&b.practice).await?, &Vec::new())
}

async fn unfinished(b: &Bench) -> Outcome {
    let mut writer = b.store.writer(&b.practice).await?;
    writer.write(b"first ").await?;
    same("the list while a blob is being written", &b.all(&b.practice).await?, &Vec::new())?;
    same("its first piece", &b.whole(b"first ").await?, &None)?;
    writer.write(b"second").await?;
    writer.finish().await?;
    same("the blob", &b.whole(b"first second").await?, &Some(b"first second".to_vec()))?;
    same("the list", &b.all(&b.practice).await?, &vec![info(b"first second")])
}

async fn same_twice(b: &Bench) -> Outcome {
    same("the first time", &b.put(&b.practice, b"octets").await?, &info(b"octets"))?;
    same("the second time", &b.put(&b.practice, b"octets").await?, &info(b"octets"))?;
    same("the list", &b.all(&b.practice).await?, &vec![info(b"octets")])?;
    same("the blob", &b.whole(b"octets").await?, &Some(b"octets".to_vec()))
}

async fn same_at_once(b: &Bench) -> Outcome {
    let mut one = b.store.writer(&b.practice).await?;
    let mut two = b.store.writer(&b.practice).await?;
    one.write(b"oct").await?;
    two.write(b"octets").await?;
    one.write(b"ets").await?;
    let (one, two) = futures_util::future::join(one.finish(), two.finish()).await;
    same("what both finish with", &(one?, two?), &(info(b"octets"), info(b"octets")))?;
    same("the list", &b.all(&b.practice).await?, &vec![info(b"octets")])
}

async fn ranges(b: &Bench) -> Outcome {
    let octets: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let sha256 = b.put(&b.practice, &octets).await?.sha256;
    let end = octets.len() as u64;
    for (offset, length) in [
        (0, 0),
        (0, 1),
        (1, 1),
        (99, 65_536),
        (65_535, 2),
        (end - 1, 1),
        (end - 1, 2),
        (end - 10, usize::MAX),
        (0, usize::MAX),
        (end, 1),
        (end, 0),
        (end + 1, 1),
        (i64::MAX as u64, 1),
        (u64::MAX, usize::MAX),
    ] {
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let expected: Vec<u8> = octets.iter().skip(skip).take(length).copied().collect();
        let what = format!("{length} octets from {offset} of {end}");
        let read = present(&what, b.store.read(&b.practice, sha256, offset, length).await?)?;
        same(&format!("how many are {what}"), &read.len(), &expected.len())?;
        hold(read == expected, || format!("{what}: its octets are others"))?;
    }
    Ok(())
}

async fn isolated(b: &Bench) -> Outcome {
    let sha256 = b.put(&b.practice, b"octets").await?.sha256;
    same("another practice's blob", &b.store.read(&b.other, sha256, 0, 9).await?, &None)?;
    same("another practice's list", &b.all(&b.other).await?, &Vec::new())?;
    b.store.delete(&b.other, sha256).await?;
    same("the blob after another deleted its own", &b.whole(b"octets").await?, &Some(b"octets".to_vec()))?;
    b.put(&b.other, b"octets").await?;
    b.store.delete(&b.practice, sha256).await?;
    let theirs = b.store.read(&b.other, sha256, 0, 9).await?;
    same("the other's blob after this one was deleted", &theirs, &Some(b"octets".to_vec()))
}

async fn deleted(b: &Bench) -> Outcome {
    b.put(&b.practice, b"kept").await?;
    let sha256 = b.put(&b.practice, b"octets").await?.sha256;
    b.store.delete(&b.practice, sha256).await?;
    same("a deleted blob", &b.whole(b"octets").await?, &None)?;
    same("the list", &b.all(&b.practice).await?, &vec![info(b"kept")])?;
    b.put(&b.practice, b"octets").await?;
    same("the blob written again", &b.whole(b"octets").await?, &Some(b"octets".to_vec()))
}

async fn deleted_nothing(b: &Bench) -> Outcome {
    b.store.delete(&b.practice, Digest::of(b"unknown")).await?;
    let sha256 = b.put(&b.practice, b"octets").await?.sha256;
    b.store.delete(&b.practice, sha256).await?;
    Ok(b.store.delete(&b.practice, sha256).await?)
}

async fn listed(b: &Bench) -> Outcome {
    let mut expected = Vec::new();
    for number in 0..60 {
        let octets = vec![b'x'; number];
        expected.push(b.put(&b.practice, &octets).await?);
    }
    expected.sort_unstable();
    same("the list", &b.all(&b.practice).await?, &expected)?;
    for limit in [1, 7, 60] {
        let mut found: Vec<BlobInfo> = Vec::new();
        // One round more than it takes, for the empty page behind the last.
        for _ in 0..=expected.len() {
            let page = b.store.list(&b.practice, found.last().map(|info| info.sha256), limit).await?;
            hold(page.len() <= limit, || format!("a page of {limit} has {} blobs", page.len()))?;
            found.extend(page);
        }
        same(&format!("the list in pages of {limit}"), &found, &expected)?;
    }
    let (lowest, highest) = (Digest::from_bytes([0; 32]), Digest::from_bytes([0xff; 32]));
    same("from the lowest digest on", &b.store.list(&b.practice, Some(lowest), 100).await?, &expected)?;
    same("from the highest digest on", &b.store.list(&b.practice, Some(highest), 100).await?, &Vec::new())
}
