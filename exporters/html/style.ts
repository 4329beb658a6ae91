/** The look of the exported page: one sheet, no fonts or pictures from elsewhere, dark where the reader's system is, ink on paper. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#181d26;--dim:#4a5463;--line:#dde1e8;--ground:#fff;--soft:#f3f4f7;--accent:#3a57d0;--good:#14683d;--warn:#b65500;--bad:#c62f2f}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--dim:#a7b0bf;--line:#303a48;--ground:#13171e;--soft:#1a2029;--accent:#8ea6ff;--good:#5cc48d;--warn:#ff9f51;--bad:#ff8080}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.25rem 4rem;max-width:52rem;background:var(--ground);color:var(--ink);font:15px/1.6 system-ui,"Noto Sans SC","PingFang SC","Microsoft YaHei",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .5rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
h4{font-size:.95rem;margin:1rem 0 .3rem}
p{margin:.5rem 0}
a{color:var(--accent)}
ul,ol{padding-left:1.3rem;margin:.5rem 0}
li>p{margin:.15rem 0}
dl{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;margin:0 0 1rem;color:var(--dim);font-size:.9rem}
dl div{display:flex;gap:.4rem}
dd{margin:0;color:var(--ink)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.7rem 0;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--dim)}
th,td:first-child,td:last-child{overflow-wrap:normal}
td p,th p{margin:0}
.fig{white-space:nowrap;font-variant-numeric:tabular-nums;font-weight:600}
.fig a{color:inherit;text-decoration:underline dotted;text-underline-offset:.2em}
.fig sup{font-weight:400;margin-left:.1em}
.equal sup,.v-equal{color:var(--good)}
.changed sup,.changed .now,.v-changed{color:var(--bad)}
.unverified sup,.v-unverified{color:var(--warn)}
.ask{color:var(--dim);font-style:italic}
blockquote{margin:.7rem 0;padding:.1rem 0 .1rem 1rem;border-left:3px solid var(--line);color:var(--dim)}
pre,code{font-family:ui-monospace,Menlo,Consolas,"Noto Sans Mono CJK SC",monospace;font-size:.85em}
pre{margin:.4rem 0;padding:.6rem .8rem;background:var(--soft);border:1px solid var(--line);border-radius:4px;white-space:pre-wrap}
code{background:var(--soft);padding:.1em .25em;border-radius:3px}
hr{border:0;border-top:1px solid var(--line);margin:1.5rem 0}
figure{margin:1rem 0}
figcaption{font-size:.88rem;color:var(--dim)}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--dim);font-size:11px}
svg .y{text-anchor:end}svg .x{text-anchor:middle}
.grid{stroke:var(--line)}
.mark{stroke:var(--bad);stroke-dasharray:4 3}
.line{fill:none;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round;stroke:var(--c)}
.legend{display:flex;flex-wrap:wrap;gap:.1rem 1rem;list-style:none;padding:0;margin:.2rem 0;font-size:.82rem;color:var(--dim)}
.key{display:inline-block;width:.8em;height:.25em;margin-right:.35em;vertical-align:middle;background:var(--c)}
.s1{--c:#3566c9}.s2{--c:#0f8a7d}.s3{--c:#8250c4}.s4{--c:#55851f}.s5{--c:#b0488a}.s6{--c:#1c82ab}.s7{--c:#8a6b2f}.s8{--c:#5560c9}
.sum{font-weight:600}
.hash{font-size:.85rem;color:var(--dim)}
footer{margin-top:2.5rem;padding-top:.6rem;border-top:1px solid var(--line);font-size:.85rem;color:var(--dim)}
:target{background:var(--soft);outline:2px solid var(--accent)}
@media print{
:root{--ink:#000;--dim:#333;--line:#bbb;--ground:#fff;--soft:#f4f4f4;--accent:#000;--good:#14683d;--warn:#8a4000;--bad:#a01818}
@page{margin:18mm 16mm}
body{padding:0;max-width:none;font-size:10.5pt}
h1,h2,h3,h4{break-after:avoid}
tr,figure,pre,li{break-inside:avoid}
.scroll{overflow:visible}
}
`;
