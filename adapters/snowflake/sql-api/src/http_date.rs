//! Dates as HTTP spells them. Must not know which header.

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Seconds since 1970 of a date like `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still written.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (_, date) = text.trim().split_once(", ")?;
    let words: Vec<&str> = date.split(' ').collect();
    let [day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let number = |text: &str, width: usize| {
        let plain = text.len() == width && text.chars().all(|c| c.is_ascii_digit());
        if plain { text.parse::<i64>().ok() } else { None }
    };
    let month = i64::try_from(MONTHS.iter().position(|name| name == month)?).ok()? + 1;
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let times: Vec<&str> = time.split(':').collect();
    let [hour, minute, second] = times.as_slice() else { return None };
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let fits = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    fits.then(|| days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970 of a day of the civil calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    //! Known dates, and what is none.
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Tue, 29 Feb 2028 00:00:00 GMT"), Some(1_835_395_200));
        let wrong = [
            "",
            "soon",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov +994 08:49:37 GMT",
        ];
        for text in wrong {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
