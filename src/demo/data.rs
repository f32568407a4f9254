//! People as two companies know them: a third in common, some by e-mail only, some by telephone only, all of it dirty.

use arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BATCH: u64 = 65_536;
const SEGMENTS: [&str; 6] =
    ["families", "students", "retired", "commuters", "foodies", "collectors"];
const REGIONS: [&str; 12] = [
    "north", "south", "east", "west", "centre", "coast", "hills", "lakes", "valley", "harbour",
    "border", "islands",
];
const CAMPAIGNS: [&str; 8] =
    ["winter", "spring", "summer", "autumn", "launch", "loyalty", "recall", "pilot"];
const CHANNELS: [&str; 4] = ["display", "video", "mail", "audio"];
/// 2026-01-01, in days since 1970.
const FIRST_DAY: i32 = 20_454;

/// One file that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// Makes both members' data below a folder, the same for the same seed.
pub fn generate(dir: &Path, seed: u64, people: u64) -> Result<Vec<Made>> {
    let customers = dir.join("data/retailer/customers.parquet");
    let exposures = dir.join("data/publisher/exposures.parquet");
    let other = exposures.clone();
    let publisher = std::thread::spawn(move || {
        write(&other, people, |first, last| exposed(seed, people, first, last))
    });
    let retail = write(&customers, people, |first, last| bought(seed, first, last))?;
    let publish = publisher.join().map_err(|_| Error::other("the generator gave up"))??;
    Ok(vec![
        Made { path: customers, owner: "retailer", rows: retail },
        Made { path: exposures, owner: "publisher", rows: publish },
    ])
}

fn write(path: &Path, people: u64, batch: impl Fn(u64, u64) -> Result<RecordBatch>) -> Result<u64> {
    std::fs::create_dir_all(path.parent().unwrap_or(path))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(131_072))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    let (mut rows, mut first) = (0u64, 0u64);
    while first < people {
        let last = people.min(first + BATCH);
        let made = batch(first, last)?;
        rows += made.num_rows() as u64;
        let open = match writer.take() {
            Some(open) => open,
            None => ArrowWriter::try_new(
                File::create_new(path)?,
                made.schema(),
                Some(properties.clone()),
            )?,
        };
        let mut open = open;
        open.write(&made)?;
        writer = Some(open);
        first = last;
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(rows)
}

/// A stream of numbers for one person and purpose (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn of(seed: u64, purpose: u64, person: u64) -> Self {
        Self(
            seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ person.wrapping_mul(0xbf58_476d_1ce4_e5b9),
        )
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.roll(from.len() as u64)).unwrap_or_default();
        from.get(at).copied().unwrap_or_default()
    }
}

/// An e-mail address as somebody typed it.
fn email(person: u64, dice: &mut Dice) -> String {
    let clean = format!("person{person}@{}.example", Dice(person).pick(&["mail", "post", "inbox"]));
    match dice.roll(6) {
        0 => clean.to_uppercase(),
        1 => format!("  {clean} "),
        2 => clean.replacen('p', "P", 1),
        _ => clean,
    }
}

/// A telephone number as somebody typed it.
fn phone(person: u64, dice: &mut Dice) -> String {
    let n = person % 10_000_000;
    let (area, head, tail) = (200 + person / 10_000_000 % 700, 200 + n / 10_000 % 700, n % 10_000);
    // The digits that don't fit a number of 10 go into the area: people stay distinct up to 343 million.
    let area = 200 + (area - 200 + n / 7_000_000 * 350) % 700;
    match dice.roll(4) {
        0 => format!("+1 {area} {head} {tail:04}"),
        1 => format!("({area}) {head}-{tail:04}"),
        2 => format!("1-{area}-{head}-{tail:04}"),
        _ => format!("+1{area}{head}{tail:04}"),
    }
}

fn bought(seed: u64, first: u64, last: u64) -> Result<RecordBatch> {
    let (mut emails, mut phones) = (StringBuilder::new(), StringBuilder::new());
    let (mut segments, mut regions, mut consents) =
        (StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    let (mut ids, mut points) = (Vec::new(), Vec::new());
    for person in first..last {
        let mut dice = Dice::of(seed, 1, person);
        let reach = dice.roll(20);
        emails.append_option((reach != 0).then(|| email(person, &mut dice)));
        phones.append_option((reach != 1).then(|| phone(person, &mut dice)));
        // The last segment is too small to be shown.
        let thin = dice.roll(20_000) == 0;
        segments.append_value(if thin { "collectors" } else { dice.pick(&SEGMENTS[..5]) });
        regions.append_value(dice.pick(&REGIONS));
        consents.append_option(match dice.roll(10) {
            0 => None,
            1 => Some("no"),
            _ => Some("yes"),
        });
        ids.push(i64::try_from(person).unwrap_or_default());
        points.push(i64::try_from(dice.roll(5_000)).unwrap_or_default());
    }
    batch(vec![
        ("customer_id", Arc::new(Int64Array::from(ids))),
        ("email", Arc::new(emails.finish())),
        ("phone", Arc::new(phones.finish())),
        ("segment", Arc::new(segments.finish())),
        ("region", Arc::new(regions.finish())),
        ("loyalty_points", Arc::new(Int64Array::from(points))),
        ("marketing_consent", Arc::new(consents.finish())),
    ])
}

/// The publisher's people begin where the last third of the retailer's do.
fn exposed(seed: u64, people: u64, first: u64, last: u64) -> Result<RecordBatch> {
    let (mut mails, mut mobiles) = (StringBuilder::new(), StringBuilder::new());
    let (mut campaigns, mut channels) = (StringBuilder::new(), StringBuilder::new());
    let (mut subscribers, mut days) = (Vec::new(), Vec::new());
    for n in first..last {
        let person = n + people - people / 3;
        let mut who = Dice::of(seed, 2, person);
        let reach = who.roll(20);
        let times = 1 + who.roll(3) + if who.roll(8) == 0 { who.roll(8) } else { 0 };
        for time in 0..times {
            let mut dice = Dice::of(seed, 3 + time, person);
            mails.append_option((reach != 0).then(|| email(person, &mut dice)));
            mobiles.append_option((reach != 1).then(|| phone(person, &mut dice)));
            let pilot = dice.roll(30_000) == 0;
            campaigns.append_value(if pilot { "pilot" } else { dice.pick(&CAMPAIGNS[..7]) });
            channels.append_value(dice.pick(&CHANNELS));
            subscribers.push(i64::try_from(person).unwrap_or_default() + 5_000_000);
            days.push(FIRST_DAY + i32::try_from(dice.roll(300)).unwrap_or_default());
        }
    }
    batch(vec![
        ("subscriber", Arc::new(Int64Array::from(subscribers))),
        ("mail", Arc::new(mails.finish())),
        ("mobile", Arc::new(mobiles.finish())),
        ("campaign", Arc::new(campaigns.finish())),
        ("channel", Arc::new(channels.finish())),
        ("day", Arc::new(Date32Array::from(days))),
    ])
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter(columns).map_err(Error::other)
}
