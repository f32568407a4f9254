//! When a schedule's runs are due: five fields as cron has them, or six with seconds before, in UTC. Own code and not a crate's, since what a leaf
//! means must not change with a dependency. Pure; must not know clocks.

use mappings::model::{RunId, ScheduleId};
use serde::{Deserialize, Serialize};
use std::fmt;

const DAY_S: i64 = 86_400;
/// A 29 February that is a certain day of the week as well comes within so many days.
const LOOK_DAYS: i64 = 366 * 41;
/// Times of four-digit years, in seconds since 1970.
const YEARS_S: std::ops::Range<i64> = 0..253_402_300_800;
const LENGTH_MAX: usize = 128;
const WRONG: &str =
    "minute hour day month weekday, perhaps with a second before: numbers, *, -, / and commas";

/// When runs are due, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both days of the month and of the week are said: either will do.
    either: bool,
}

impl Cron {
    /// Reads an expression. One that is never due is refused.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let fields: Vec<&str> = text.split(' ').collect();
        let (second, rest) = match fields[..] {
            [second, ref rest @ ..] if rest.len() == 5 => (second, rest),
            ref rest => ("0", rest),
        };
        let [minute, hour, day, month, weekday] = rest else { return Err(WRONG) };
        if text.len() > LENGTH_MAX {
            return Err(WRONG);
        }
        let weekdays = field(weekday, 0, 7)?;
        let cron = Self {
            text: text.to_owned(),
            seconds: field(second, 0, 59)?,
            minutes: field(minute, 0, 59)?,
            hours: field(hour, 0, 23)?,
            days: field(day, 1, 31)?,
            months: field(month, 1, 12)?,
            // Sunday is 0 and 7.
            weekdays: weekdays | weekdays >> 7 & 1,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        if cron.next(0).is_some() { Ok(cron) } else { Err("a time that comes") }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first time after this one, both in milliseconds since 1970.
    #[must_use]
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let from = after_ms.div_euclid(1_000).checked_add(1).filter(|s| YEARS_S.contains(s))?;
        let (first, within) = (from.div_euclid(DAY_S), from.rem_euclid(DAY_S));
        (first..first + LOOK_DAYS).filter(|day| self.on(*day)).find_map(|day| {
            let least = if day == first { within } else { 0 };
            self.seconds_of_day().find(|second| *second >= least).map(|second| at_ms(day, second))
        })
    }

    /// The last time that is not after this one and after another, all in milliseconds since 1970.
    #[must_use]
    pub fn latest(&self, until_ms: i64, after_ms: i64) -> Option<i64> {
        let until = until_ms.div_euclid(1_000);
        if !YEARS_S.contains(&until) || until_ms <= after_ms {
            return None;
        }
        let (last, within) = (until.div_euclid(DAY_S), until.rem_euclid(DAY_S));
        let first = after_ms.max(0).div_euclid(1_000).div_euclid(DAY_S).max(last - LOOK_DAYS);
        let days = (first..=last).rev().filter(|day| self.on(*day));
        let found = days.into_iter().find_map(|day| {
            let most = if day == last { within } else { DAY_S };
            let before = self.seconds_of_day().take_while(|second| *second <= most);
            before.last().map(|second| at_ms(day, second))
        });
        found.filter(|slot| *slot > after_ms)
    }

    /// Whether it is due just then.
    #[must_use]
    pub fn is_at(&self, slot_ms: i64) -> bool {
        self.next(slot_ms.saturating_sub(1_000)) == Some(slot_ms)
    }

    fn seconds_of_day(&self) -> impl Iterator<Item = i64> {
        let hours = bits(self.hours);
        hours.flat_map(move |hour| {
            bits(self.minutes).flat_map(move |minute| {
                bits(self.seconds).map(move |second| hour * 3_600 + minute * 60 + second)
            })
        })
    }

    /// Whether it is due on a day, counted from 1970.
    fn on(&self, day: i64) -> bool {
        let (_, month, of_month) = civil(day);
        let has = |set: u64, n: i64| set >> n & 1 == 1;
        // 1 January 1970 was a Thursday.
        let weekday = has(self.weekdays, (day + 4).rem_euclid(7));
        let of_month = has(self.days, of_month);
        let day = if self.either { of_month || weekday } else { of_month && weekday };
        day && has(self.months, month)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Cron {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for Cron {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

/// One time at which a schedule's run is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The time, in milliseconds since 1970.
    pub at_ms: i64,
}

impl Slot {
    /// What the run of this slot is called: one name, whichever gateway makes it.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        let at = self.at_ms.div_euclid(1_000);
        if !YEARS_S.contains(&at) || self.at_ms.rem_euclid(1_000) != 0 {
            return None;
        }
        let ((year, month, day), second) = (civil(at.div_euclid(DAY_S)), at.rem_euclid(DAY_S));
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let name = &self.schedule;
        let text = format!("{name}-{year:04}{month:02}{day:02}t{hour:02}{minute:02}{second:02}z");
        RunId::new(&text).ok()
    }

    /// The slot that a run is called after; none of a run of another kind of name.
    #[must_use]
    pub fn of(run: &RunId) -> Option<Self> {
        let (schedule, time) = run.as_str().rsplit_once('-')?;
        let (date, time) = time.strip_suffix('z')?.split_once('t')?;
        if date.len() != 8 || time.len() != 6 {
            return None;
        }
        let part = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?);
        let (hour, minute, second) = (part(time, 0, 2)?, part(time, 2, 4)?, part(time, 4, 6)?);
        let at_ms = at_ms(days(year, month, day), hour * 3_600 + minute * 60 + second);
        let slot = Self { schedule: ScheduleId::new(schedule).ok()?, at_ms };
        // A name that no slot has: a thirteenth month, a sixty-first minute.
        (slot.run().as_ref() == Some(run)).then_some(slot)
    }
}

const fn at_ms(day: i64, second: i64) -> i64 {
    (day * DAY_S + second) * 1_000
}

fn bits(set: u64) -> impl Iterator<Item = i64> {
    (0..64).filter(move |n| set >> n & 1 == 1)
}

/// A field: values, ranges and steps, joined by commas.
fn field(text: &str, least: u8, most: u8) -> Result<u64, &'static str> {
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(r, s)| (r, Some(s)));
        let step = step.map_or(Ok(1), number)?;
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (one, None) if part.contains('/') => (number(one)?, most),
            (one, None) => (number(one)?, number(one)?),
        };
        if from < least || to > most || from > to || step == 0 {
            return Err(WRONG);
        }
        set |= (from..=to).step_by(usize::from(step)).fold(0, |set, n| set | 1_u64 << n);
    }
    Ok(set)
}

fn number(text: &str) -> Result<u8, &'static str> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().map_err(|_| WRONG) } else { Err(WRONG) }
}

/// Days from 1970 to a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day counted from 1970: year, month, day.
const fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(feature = "gateway")]
#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
    use proptest::prelude::*;

    fn cron(text: &str) -> Cron {
        Cron::new(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    fn ms(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_millis()
    }

    #[test]
    fn the_next_and_the_latest_time_are_those_of_a_calendar() {
        for (text, after, next) in [
            ("0 6 * * *", "2026-11-27T05:59:59.999Z", "2026-11-27T06:00:00Z"),
            ("0 6 * * *", "2026-11-27T06:00:00Z", "2026-11-28T06:00:00Z"),
            ("* * * * * *", "2026-11-27T06:00:00.5Z", "2026-11-27T06:00:01Z"),
            ("*/15 9-17 * * 1-5", "2026-11-27T17:45:00Z", "2026-11-30T09:00:00Z"),
            ("30 0 29 2 *", "2026-11-27T00:00:00Z", "2028-02-29T00:30:00Z"),
            ("0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            // Either of both, as cron has it.
            ("0 0 13 * 5", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"),
            ("0 0 13 * 5", "2026-12-11T00:00:00Z", "2026-12-13T00:00:00Z"),
            ("0 0 * * 7", "2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("5,10/20 3 31 */5 *", "2026-07-31T00:00:00Z", "2027-01-31T03:05:00Z"),
        ] {
            let cron = cron(text);
            assert_eq!(cron.next(ms(after)), Some(ms(next)), "{text}");
            assert!(cron.is_at(ms(next)) && !cron.is_at(ms(next) + 1_000 * 60 * 7 + 1), "{text}");
            assert_eq!(cron.latest(ms(next) + 999, ms(next) - 1), Some(ms(next)), "{text}");
            assert_eq!(cron.latest(ms(next) - 1, ms(after)), None, "{text}");
        }
        let daily = cron("0 6 * * *");
        let now = ms("2026-11-27T05:00:00Z");
        assert_eq!(daily.latest(now, 0), Some(ms("2026-11-26T06:00:00Z")), "of many, the latest");
        assert_eq!(daily.latest(i64::MAX, 0), None);
        assert_eq!((daily.next(i64::MAX), daily.next(i64::MIN)), (None, None));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in [
            "",
            "* * * *",
            "* * * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * 32 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "+1 * * * *",
            "001 * * * *",
            "*  * * * *",
            " * * * * *",
            "@daily",
            "1- * * * *",
            "1,,2 * * * *",
            "0 0 30 2 *",
            "0 0 31 4,6,9,11 *",
            "-1 * * * *",
            "0 6 * * MON",
        ] {
            assert!(Cron::new(wrong).is_err(), "{wrong}");
        }
        assert!(Cron::new(&format!("{} * * * *", "1,".repeat(80) + "1")).is_err(), "too long");
    }

    #[test]
    fn a_run_is_called_after_its_slot_and_after_no_other() {
        let slot = Slot {
            schedule: ScheduleId::new("nightly").unwrap(),
            at_ms: ms("2026-11-27T06:30:05Z"),
        };
        let run = slot.run().unwrap();
        assert_eq!(run.as_str(), "nightly-20261127t063005z");
        assert_eq!(Slot::of(&run), Some(slot.clone()));
        assert_eq!(Slot { at_ms: slot.at_ms + 1, ..slot }.run(), None);
        for other in [
            "run-1",
            "nightly-20261327t063005z",
            "nightly-20261127t063060z",
            "nightly-20261127t06300z",
        ] {
            assert_eq!(Slot::of(&RunId::new(other).unwrap()), None, "{other}");
        }
        let long = ScheduleId::new(&"a".repeat(40)).unwrap();
        assert!(Slot { schedule: long, at_ms: 0 }.run().is_some());
    }

    fn part(least: u8, most: u8) -> impl Strategy<Value = String> {
        prop_oneof![
            3 => Just("*".to_owned()),
            2 => (least..=most).prop_map(|n| n.to_string()),
            1 => (1_u8..12).prop_map(|n| format!("*/{n}")),
            1 => (least..=most, least..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against chrono's calendar, second by second.
        #[test]
        fn no_time_is_missed_and_none_is_made_up(
            (sec, min, hour, day, month, week) in (part(0, 59), part(0, 59), part(0, 23), part(1, 31), part(1, 12), part(0, 6)),
            at in 0_i64..4_000_000_000, span in 1_i64..3_000,
        ) {
            let Ok(cron) = Cron::new(&format!("{sec} {min} {hour} {day} {month} {week}")) else { return Ok(()) };
            let has = |set: u64, n: u32| set >> n & 1 == 1;
            let due = |second: i64| {
                let time = DateTime::<Utc>::from_timestamp(second, 0).unwrap();
                let (day, week) = (has(cron.days, time.day()), has(cron.weekdays, time.weekday().num_days_from_sunday()));
                has(cron.seconds, time.second()) && has(cron.minutes, time.minute()) && has(cron.hours, time.hour())
                    && has(cron.months, time.month()) && if cron.either { day || week } else { day && week }
            };
            let next = cron.next(at * 1_000).unwrap() / 1_000;
            prop_assert!(due(next) && next > at);
            prop_assert!((at + 1..next.min(at + span)).all(|second| !due(second)));
            let latest = cron.latest((at + span) * 1_000, at * 1_000);
            prop_assert_eq!(latest, (at + 1..=at + span).rev().find(|second| due(*second)).map(|s| s * 1_000));
        }

        #[test]
        fn no_text_is_more_than_a_time_or_nothing(text in "[-0-9*/, a-z]{0,40}") {
            if let Ok(cron) = Cron::new(&text) {
                prop_assert_eq!(cron.to_string(), text);
            }
        }
    }
}
