//! Word-level differences of each lane's answer to the first lane's, as
//! `git diff --word-diff` writes them: `[-old-]{+new+}`. The signs stay where
//! there are colours, since not everyone tells red from green.

use similar::{Algorithm, DiffOp, capture_diff_slices};
use unicode_segmentation::UnicodeSegmentation as _;

use super::answer;
use super::cards::{head, write_lines};
use super::fold::{Fold, fold};
use super::listing::facts;
use super::sheet::Sheet;
use crate::comparison::Comparison;
use crate::render::output::{Output, Paint};

/// The most pieces of two answers together that are compared by the word.
/// Longer ones are compared by the line.
const MOST_WORDS: usize = 40_000;

/// The most lines; of still longer answers the differences are not shown.
const MOST_LINES: usize = 40_000;

/// The first lane's answer and, of every other, what differs from it.
pub(super) fn differences(comparison: &Comparison, sheet: &Sheet, output: &Output) -> String {
    let mut out = String::new();
    let base = comparison.lanes.iter().position(|lane| !answer::text(lane).trim().is_empty());
    for (at, lane) in comparison.lanes.iter().enumerate() {
        if output.accessible {
            facts(sheet, at, &mut out);
        } else {
            head(sheet, at, output, &mut out);
        }
        let text = answer::text(lane);
        let base = base.filter(|base| *base != at);
        let shown = match base {
            _ if text.trim().is_empty() => None,
            None => Some((None, output.clean(text).into_owned())),
            Some(base) => {
                let old = output.clean(answer::text(&comparison.lanes[base])).into_owned();
                let (how, shown) = compared(&old, &output.clean(text), output);
                Some((Some(format!("{how} {}", sheet.lanes[base].name)), shown))
            }
        };
        if let Some((title, shown)) = shown {
            out.push('\n');
            if let Some(title) = title {
                write_lines(
                    &fold(&output.paint_stdout(&title, Paint::Dim), output.width, Fold::Words),
                    &mut out,
                );
            }
            write_lines(&fold(shown.trim_end_matches('\n'), output.width, Fold::Words), &mut out);
        }
        let remarks = answer::remark_lines(lane, output.width, output);
        if !remarks.is_empty() {
            out.push('\n');
            write_lines(&remarks, &mut out);
        }
        out.push('\n');
    }
    out
}

/// How two texts were compared, in words, and the differences.
fn compared(old: &str, new: &str, output: &Output) -> (&'static str, String) {
    let (old, new) = (old.trim_end_matches('\n'), new.trim_end_matches('\n'));
    if old == new {
        return ("the same as", String::new());
    }
    if old.split_whitespace().eq(new.split_whitespace()) {
        return ("the same, but for blanks and line ends, as", String::new());
    }
    // Of more words there is no need to know how many.
    let words = |text: &'_ str| text.split_word_bounds().take(MOST_WORDS + 1).count();
    if words(old) + words(new) <= MOST_WORDS {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.split_word_bounds().collect(), new.split_word_bounds().collect());
        return ("against", written(&runs(&old, &new), output));
    }
    let (old, lines): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    if old.len() + lines.len() <= MOST_LINES {
        return ("by the line, since it is long, against", written(&runs(&old, &lines), output));
    }
    ("as it is, since it is too long to be compared with", new.to_owned())
}

/// A piece of text and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Run {
    /// In both; where this is empty, the others are not.
    same: String,
    /// Only in the old text.
    gone: String,
    /// Only in the new one.
    came: String,
}

/// What is common and what is not, in turns.
fn runs(old: &[&str], new: &[&str]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, old, new) {
        let (is_same, before, after) = match op {
            DiffOp::Equal { old_index, len, .. } => (true, old_index..old_index + len, 0..0),
            DiffOp::Delete { old_index, old_len, .. } => (false, old_index..old_index + old_len, 0..0),
            DiffOp::Insert { new_index, new_len, .. } => (false, 0..0, new_index..new_index + new_len),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                (false, old_index..old_index + old_len, new_index..new_index + new_len)
            }
        };
        let (before, after) = (old[before].concat(), new[after].concat());
        if is_same {
            runs.push(Run { same: before, ..Run::default() });
            continue;
        }
        // A blank, or a word that two long changes happen to share, is no reason
        // to tell them apart.
        if let [.., earlier, between] = runs.as_slice()
            && is_slight(&between.same, earlier, before.len().max(after.len()))
        {
            let between = runs.pop().unwrap_or_default().same;
            if let Some(earlier) = runs.last_mut() {
                earlier.gone.push_str(&between);
                earlier.came.push_str(&between);
            }
        }
        match runs.last_mut().filter(|run| run.same.is_empty()) {
            Some(last) => {
                last.gone.push_str(&before);
                last.came.push_str(&after);
            }
            None => runs.push(Run { same: String::new(), gone: before, came: after }),
        }
    }
    runs
}

/// Whether what two changes have in common is too little to be shown as such.
fn is_slight(between: &str, earlier: &Run, later: usize) -> bool {
    let changed = earlier.gone.len().max(earlier.came.len()).min(later);
    let is_blank = between.chars().all(|c| c == ' ');
    !between.is_empty() && !between.contains('\n') && (is_blank || between.len() <= changed)
}

fn written(runs: &[Run], output: &Output) -> String {
    let mut out = String::new();
    for run in runs {
        out.push_str(&run.same);
        // Blanks that both end with have not changed.
        let blanks = |text: &str| text.len() - text.trim_end_matches(' ').len();
        let common = blanks(&run.gone).min(blanks(&run.came));
        marked(&run.gone[..run.gone.len() - common], ("[-", "-]"), Paint::Red, output, &mut out);
        marked(&run.came[..run.came.len() - common], ("{+", "+}"), Paint::Green, output, &mut out);
        out.extend(std::iter::repeat_n(' ', common));
        // What came ends a line, or what went ended one that goes on now.
        if run.came.is_empty() && run.gone.ends_with('\n') && !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// A changed text between its signs, which are set anew on each line.
fn marked(text: &str, signs: (&str, &str), paint: Paint, output: &Output, out: &mut String) {
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if !line.is_empty() {
            out.push_str(&output.paint_stdout(&format!("{}{line}{}", signs.0, signs.1), paint));
        }
        out.push_str(end);
    }
}
