//! Checks of tables.

use serde_json::{Value, json};

use super::{super::rows, Bed, refused};

fn table(members: &Value) -> Value {
    let mut check = json!({"kind": "table", "target": "outputs/t.csv"});
    let object = check.as_object_mut().unwrap();
    object.extend(members.as_object().unwrap().clone());
    check
}

#[test]
fn tables_are_checked_by_header_rows_and_cells() {
    let bed = Bed::new("| a | b |\n|---|:-:|\n| 1 | x \\| y |\n");
    bed.file("outputs/t.csv", "name,total\r\nAda,\"1,5\"\r\n\"Grace \"\"G\"\"\",2.50\r\n");
    let cell = |cell: Value| table(&json!({"cells": [cell]}));
    bed.table(&[
        (table(&json!({"columns": ["name", "total"]})), 1),
        (table(&json!({"columns": ["total", "name"]})), 0),
        (table(&json!({"min": 2, "max": 2})), 1),
        (table(&json!({"min": 3})), 0),
        (cell(json!({"row": 1, "column": "total", "value": "1,5"})), 1),
        (cell(json!({"row": 2, "column": "name", "value": "Grace \"G\""})), 1),
        (cell(json!({"row": 2, "column": "total", "number": 2.5})), 1),
        (cell(json!({"row": 2, "column": "total", "number": 2.4, "abs_tol": 0.2})), 1),
        (cell(json!({"row": 2, "column": "total", "number": 2.4})), 0),
        (cell(json!({"row": 3, "column": "total", "number": 2.4})), 0),
        (cell(json!({"row": 1, "column": "sum", "number": 2.4})), 0),
        (cell(json!({"where": {"name": "Ada"}, "column": "total", "value": "1,5"})), 1),
        (cell(json!({"where": {"name": "Eve"}, "column": "total", "value": "1,5"})), 0),
        (json!({"kind": "table", "columns": ["a", "b"]}), 1),
        (json!({"kind": "table", "cells": [{"row": 1, "column": "b", "value": "x | y"}]}), 1),
        (json!({"kind": "table", "columns": ["a", "b"], "format": "csv"}), 0),
    ]);
    Bed::new("no table").table(&[(json!({"kind": "not", "check": {"kind": "table", "columns": ["a"]}}), 0)]);
}

#[test]
fn cells_without_a_place_or_a_value_are_refused() {
    let cell = |cell: Value| (table(&json!({"cells": [cell]})), "E_CHECK_PARAM");
    refused(&[
        cell(json!({"column": "a", "value": "x"})),
        cell(json!({"row": 0, "column": "a", "value": "x"})),
        cell(json!({"row": 1, "column": "a"})),
        cell(json!({"row": 1, "column": "a", "value": "x", "number": 1})),
        cell(json!({"row": 1, "value": "x"})),
        cell(json!(1)),
        (json!({"kind": "table"}), "E_CHECK_PARAM"),
        (table(&json!({"format": "xlsx", "min": 1})), "E_CHECK_PARAM"),
    ]);
}

#[test]
fn rows_are_read_in_three_formats() {
    let read = |text: &str, format| rows::read(text, format).unwrap();
    assert_eq!(read("a,b\n\"x\ny\", z \n\n", rows::Format::Csv), [["a", "b"], ["x\ny", "z"]]);
    assert_eq!(read("\u{feff}a\tb\n1,5\t2", rows::Format::Tsv), [["a", "b"], ["1,5", "2"]]);
    assert_eq!(read("text | more\n\na | b\n-|-\n1 | \nend", rows::Format::Markdown), [["a", "b"], ["1", ""]]);
    assert!(read("", rows::Format::Csv).is_empty());
    assert!(rows::read("\"open", rows::Format::Csv).is_err());
    let wide = format!("{}\n{}\n{}", "a|".repeat(1_000), "-|".repeat(1_000), "x|\n".repeat(200));
    assert!(rows::read(&wide, rows::Format::Markdown).is_err());
    assert!(rows::read(&",".repeat(200_001), rows::Format::Csv).is_err());
}
