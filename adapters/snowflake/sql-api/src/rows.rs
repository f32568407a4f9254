//! Cells as they come: text or NULL, kept in one buffer. Must not know any column.

use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;

/// Rows of one partition.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Rows {
    text: String,
    /// Where each cell's text ends, and whether it is one.
    cells: Vec<(u32, bool)>,
    /// How many cells there are up to the end of each row.
    ends: Vec<usize>,
}

/// There is no such cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoCell;

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether every row has so many cells.
    pub(crate) fn are_of(&self, width: usize) -> bool {
        let mut before = 0;
        self.ends.iter().all(|end| {
            let fits = end.checked_sub(before) == Some(width);
            before = *end;
            fits
        })
    }

    /// A cell, where the rows have that width; None for NULL.
    pub(crate) fn cell(
        &self,
        width: usize,
        row: usize,
        column: usize,
    ) -> Result<Option<&str>, NoCell> {
        let at = row.checked_mul(width).and_then(|at| at.checked_add(column)).ok_or(NoCell)?;
        let (end, is_text) = *self.cells.get(at).ok_or(NoCell)?;
        if !is_text {
            return Ok(None);
        }
        let before = at.checked_sub(1).and_then(|before| self.cells.get(before));
        let begin = before.map_or(0, |(end, _)| *end);
        let place = |at: u32| usize::try_from(at).map_err(|_| NoCell);
        self.text.get(place(begin)?..place(end)?).map(Some).ok_or(NoCell)
    }

    fn push<E: Error>(&mut self, cell: Option<&str>) -> Result<(), E> {
        self.text.push_str(cell.unwrap_or_default());
        let end = u32::try_from(self.text.len()).map_err(|_| E::custom("too long"))?;
        self.cells.push((end, cell.is_some()));
        Ok(())
    }
}

/// Values of members are not shown.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({})", self.ends.len())
    }
}

struct Cell<'a>(&'a mut Rows);
struct Row<'a>(&'a mut Rows);
struct All;

impl<'de> serde::Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(All)
    }
}

impl<'de> Visitor<'de> for All {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Rows, A::Error> {
        let mut rows = Rows::default();
        while all.next_element_seed(Row(&mut rows))?.is_some() {}
        Ok(rows)
    }
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cells")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        while cells.next_element_seed(Cell(self.0))?.is_some() {}
        self.0.ends.push(self.0.cells.len());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text or null")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.0.push(None)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.push(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.push(Some(text))
    }
}

#[cfg(test)]
mod tests {
    //! What is read back, and what is none.
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<Rows> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn cells_and_widths() {
        let rows = read(r#"[["a","",null],[null,"é\n","b"]]"#).unwrap();
        assert!(rows.are_of(3) && !rows.are_of(2) && rows.len() == 2);
        let all: Vec<_> = (0..2).flat_map(|row| (0..3).map(move |at| (row, at))).collect();
        let cells: Vec<_> = all.iter().map(|(row, at)| rows.cell(3, *row, *at).unwrap()).collect();
        assert_eq!(cells, [Some("a"), Some(""), None, None, Some("é\n"), Some("b")]);
        assert_eq!(rows.cell(3, 2, 0), Err(NoCell));
        assert!(read("[[],[]]").unwrap().are_of(0) && read("[]").unwrap().are_of(7));
        assert!(!read(r#"[["a","b","c"],["d"]]"#).unwrap().are_of(2), "in sum it would fit");
    }

    #[test]
    fn what_is_no_rows() {
        for text in ["{}", "null", "[null]", "[1]", "[[1]]", "[[true]]", "[[[]]]", "[[{}]]", "[["] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_cell_is_read_back(cells in prop::collection::vec(prop::option::of(".{0,8}"), 0..40), width in 1_usize..5) {
            let whole = cells.len() / width * width;
            let wanted = &cells[..whole];
            let rows: Vec<_> = wanted.chunks(width).collect();
            let read = read(&serde_json::to_string(&rows).unwrap()).unwrap();
            prop_assert!(read.are_of(width));
            for (at, cell) in wanted.iter().enumerate() {
                prop_assert_eq!(read.cell(width, at / width, at % width), Ok(cell.as_deref()));
            }
        }
    }
}
