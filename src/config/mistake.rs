//! What is wrong with a configuration, and where: all of it at once, by line.

use std::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1; 0 where neither the key nor its section is written.
    pub line: usize,
    /// The key: `trunk[0].uri`; empty where the text is no TOML.
    pub key: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// All mistakes of a file, by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_a_line_that_says_where() {
        let mistake = |line, key: &str, what: &str| Mistake {
            line,
            key: key.into(),
            what: what.into(),
        };
        let all = Mistakes(vec![
            mistake(3, "sip.t1", "is to be longer than nothing"),
            mistake(0, "auth.jwt", "needs a key"),
            mistake(7, "", "invalid string"),
        ]);
        assert_eq!(
            all.to_string(),
            "line 3: sip.t1: is to be longer than nothing\nauth.jwt: needs a key\n\
             line 7: invalid string"
        );
    }
}
