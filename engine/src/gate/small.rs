//! The small form of an input: the scores and little else, as JSON that a reader can write by hand.
//!
//! `{"base": [[0, 1000, …], …], "cand": [[…], …], "cluster": [0, 0, 1, …], "policy": "standard", "failed_attempts": 0,
//! "greedy": false, "recorded_pm": 510, "critical": [3]}`: scores per mille, a list a case; all but `base` and `cand` may be left
//! out. `cluster` names the group of each case by a number or text, `critical` lists indices of cases from 0.

use serde::Deserialize;
use skill_schema::{Fault, codes};

use super::{Case, Cases, Input, MAX_FAILED, Policy, Recorded};
use crate::stats::Alpha;

/// Bytes at most: the largest input that the gate takes has 40,000 scores.
pub const MAX_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Small {
    base: Vec<Vec<u16>>,
    cand: Vec<Vec<u16>>,
    cluster: Option<Vec<Name>>,
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    failed_attempts: u32,
    #[serde(default)]
    greedy: bool,
    recorded_pm: Option<u16>,
    critical: Option<Vec<usize>>,
}

/// A group's name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u64),
    Text(String),
}

/// Reads the small form.
///
/// # Errors
/// `E_GATE_INPUT` if it is no JSON of this form or its parts do not fit together; `E_GATE_SIZE` if it is too large.
pub fn parse(bytes: &[u8]) -> Result<Input, Fault> {
    if bytes.len() > MAX_BYTES {
        return Err(Fault::new(codes::GATE_SIZE).detail(format!("{} bytes, at most {MAX_BYTES}", bytes.len())));
    }
    let small: Small = serde_json::from_slice(bytes).map_err(|error| wrong("", error.to_string()))?;
    let n = small.base.len();
    let same = |place: &str, len: usize| {
        if len == n { Ok(()) } else { Err(wrong(place, format!("{len} entries where base has {n}"))) }
    };
    same("cand", small.cand.len())?;
    let groups: Vec<Option<String>> = match small.cluster {
        None => vec![None; n],
        Some(names) => {
            same("cluster", names.len())?;
            names.into_iter().map(|name| Some(name.into_text())).collect()
        }
    };
    let mut cases: Vec<Case> = std::iter::zip(small.base, small.cand)
        .zip(groups)
        .map(|((base, cand), group)| Case { base, cand, group, ..Case::default() })
        .collect();
    for i in small.critical.unwrap_or_default() {
        let detail = format!("no case {i} among {n}");
        cases.get_mut(i).ok_or_else(|| wrong("critical", detail))?.critical = true;
    }
    let most = |place: &str, value: u32, most: u32| {
        if value <= most { Ok(()) } else { Err(wrong(place, format!("{value}, at most {most}"))) }
    };
    most("failed_attempts", small.failed_attempts, MAX_FAILED)?;
    most("recorded_pm", u32::from(small.recorded_pm.unwrap_or(0)), 1000)?;
    Ok(Input {
        cases: Cases::new(cases)?,
        policy: small.policy,
        alpha: Alpha::after(small.failed_attempts),
        greedy: small.greedy,
        recorded: small.recorded_pm.map(|mean| Recorded { sum: u64::from(mean), runs: 1 }),
        ..Input::default()
    })
}

fn wrong(place: &str, detail: String) -> Fault {
    let fault = Fault::new(codes::GATE_INPUT).detail(detail);
    if place.is_empty() { fault } else { fault.at(place) }
}

impl Name {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_form_is_read() {
        let text =
            br#"{"base":[[0,1],[2,3]],"cand":[[4,5],[6,1000]],"cluster":["a",7],"policy":"strict","failed_attempts":2,
            "greedy":true,"recorded_pm":510,"critical":[1]}"#;
        let input = parse(text).unwrap();
        let cases: Vec<&Case> = input.cases.iter().collect();
        assert_eq!((cases[0].group.as_deref(), cases[1].group.as_deref()), (Some("a"), Some("7")));
        assert_eq!((cases[0].critical, cases[1].critical), (false, true));
        assert_eq!((&cases[1].base[..], &cases[1].cand[..]), (&[2, 3][..], &[6, 1000][..]));
        assert_eq!((input.policy, input.alpha.failed, input.greedy), (Policy::Strict, 2, true));
        assert_eq!(input.recorded, Some(Recorded { sum: 510, runs: 1 }));
    }

    #[test]
    fn what_may_be_left_out_has_its_default() {
        let input = parse(br#"{"base":[[0]],"cand":[[1]],"cluster":null,"recorded_pm":null,"critical":null}"#).unwrap();
        assert_eq!(input, parse(br#"{"base":[[0]],"cand":[[1]]}"#).unwrap());
        assert_eq!((input.policy, input.alpha, input.greedy), (Policy::Standard, Alpha::FIRST, false));
        assert!(input.recorded.is_none() && input.cases.iter().all(|case| case.group.is_none() && !case.critical));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"base":[[0]]}"#,
            r#"{"base":[[0]],"cand":[[1]],"policy":"lax"}"#,
            r#"{"base":[[0]],"cand":[[1]],"extra":1}"#,
            r#"{"base":[[0]],"base":[[0]],"cand":[[1]]}"#,
            r#"{"base":[[0.5]],"cand":[[1]]}"#,
            r#"{"base":[[-1]],"cand":[[1]]}"#,
            r#"{"base":[[1001]],"cand":[[1]]}"#,
            r#"{"base":[["0"]],"cand":[[1]]}"#,
            r#"{"base":[[0],[1]],"cand":[[1]]}"#,
            r#"{"base":[[0]],"cand":[[1,2]]}"#,
            r#"{"base":[[]],"cand":[[]]}"#,
            r#"{"base":[[0]],"cand":[[1]],"cluster":[0,1]}"#,
            r#"{"base":[[0]],"cand":[[1]],"cluster":[-1]}"#,
            r#"{"base":[[0]],"cand":[[1]],"critical":[1]}"#,
            r#"{"base":[[0]],"cand":[[1]],"failed_attempts":1001}"#,
            r#"{"base":[[0]],"cand":[[1]],"failed_attempts":-1}"#,
            r#"{"base":[[0]],"cand":[[1]],"recorded_pm":1001}"#,
            r#"{"base":[[0]],"cand":[[1]]} x"#,
        ] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().code, codes::GATE_INPUT, "{bad}");
        }
        assert_eq!(parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err().code, codes::GATE_SIZE);
        assert_eq!(parse(&vec![b' '; MAX_BYTES]).unwrap_err().code, codes::GATE_INPUT);
    }
}
