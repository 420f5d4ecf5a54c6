//! Markdown and CSV of hostile answers.

use insta::assert_snapshot;

use super::*;

#[test]
fn markdown_can_not_be_broken_from_inside() {
    let answer = "```html\n<script>alert(1)</script>\n````\n| a | b |\n\x1b[31m@someone ![x](http://evil.example/p.png)";
    let mut lanes = vec![one("a/`b`|<i>@x=1", answer, 300, "0.1"), one("c/c", "fine", 200, "0.2")];
    lanes[1].runs[0] =
        failed("c/c", "fine", FailureKind::Server, "<b>no</b> | @admin `x https://evil.example *a* #1");
    let shown = markdown(&comparison(lanes));
    assert_snapshot!(shown, @r#"
    ## Comparison of 2 models

    2026-11-22T12:00:00Z, `01KAM0000000000000000000AA`

    ### Prompt

    ```text
    Where is the Eiffel Tower?
    ```

    ### Figures

    | | `` a/`b`\|<i>@x=1 `` | `c/c` |
    |:--|--:|--:|
    | first word | 0.30 s | – |
    | total | 0.90 s | – |
    | speed | 167 tok/s | – |
    | tokens in | 12 | \~12 |
    | tokens out | 101 | \~101 |
    | cost | \$0.10 | \~\$0.0005 (possibly billed) |
    | finish | stop | cut |

    - 1 of 2 models failed
      - c/c: the provider failed
    - cost of both calls: \~\$0.1005 (1 call possibly billed)

    ### `` a/`b`|<i>@x=1 ``

    `````text
    ```html
    <script>alert(1)</script>
    ````
    | a | b |
    @someone ![x](http://evil.example/p.png)
    `````

    ### `c/c`

    ```text
    fine
    ```

    - error: the answer ends here: the provider failed: \<b\>no\</b\> \| `@admin` `` `x `` `https://evil.example` \*a\* `#1`
    - hint: `pollm compare --last --retry-failed` asks only what failed
    "#);
}

#[test]
fn csv_has_a_line_a_call_and_no_formula() {
    let mut lanes = vec![one("a/a", "=HYPERLINK(\"http://evil.example\")\nand, more", 300, "0.0000000375")];
    lanes[0].runs.insert(0, Run { is_warmup: true, ..run("a/a", "- item", 300, "0.1") });
    lanes.push(lane("b/b", vec![failed("b/b", "", FailureKind::RateLimit, "@SUM(1)\x1b[2J")]));
    assert_snapshot!(csv(&comparison(lanes)), @r#"
    comparison,call,started_at,lane,model,run,warmup,status,finish,native_finish,served_model,served_by,cached,connect_ms,ttft_ms,ttfv_ms,e2e_ms,wall_ms,tpot_ms,decode_tps,longest_gap_ms,reused,requests,input,input_uncached,cache_read,cache_write_5m,cache_write_1h,output,reasoning,usage_source,cost_usd,cost_source,cost_approximate,possibly_billed,checks_passed,checks_failed,error_kind,error_status,error,text
    01KAM0000000000000000000AA,01KAM0000000000000000000AB,2026-11-22T12:00:00Z,a/a,a/a,1,true,ok,stop,,,,false,,300.0,300.0,900.0,900.0,6.00,166.67,,false,1,12,12,0,0,0,101,0,reported,0.1,computed,false,false,,,,,,'- item
    01KAM0000000000000000000AA,01KAM0000000000000000000AB,2026-11-22T12:00:00Z,a/a,a/a,1,false,ok,stop,,,,false,,300.0,300.0,900.0,900.0,6.00,166.67,,false,1,12,12,0,0,0,101,0,reported,0.0000000375,computed,false,false,,,,,,"'=HYPERLINK(""http://evil.example"")
    and, more"
    01KAM0000000000000000000AA,01KAM0000000000000000000AB,2026-11-22T12:00:00Z,b/b,b/b,1,false,error,,,,,false,,100.0,100.0,300.0,300.0,,,,false,1,,,,,,,,,0,computed,false,false,,,rate_limit,,'@SUM(1),
    "#);
}
