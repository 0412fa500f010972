#include "reports/page.hpp"

namespace walras::reports {

// The palette is told apart by people with any of the common colour deficiencies (hue and lightness both differ), gains
// are blue and losses orange rather than green and red, and every text reaches 4.5:1 on its ground.
std::string_view page_style() {
  return R"css(
:root{--face:Inter,"Segoe UI",system-ui,-apple-system,"Helvetica Neue",Roboto,"Liberation Sans",Arial,sans-serif;
--print-face:Roboto,"Liberation Sans",Arial,Helvetica,"DejaVu Sans",sans-serif;--paper:#fff;--panel:#f5f7fa;--ink:#15202e;--muted:#525e6d;--rule:#d8dee6;--accent:#0b559f;
--series1:#0b5cad;--series2:#c24e12;--series3:#12806a;--series4:#7a4fa3;--series5:#8f6a00;--series6:#b03468;--series7:#3f7390;--series8:#5a5f2a;
--benchmark:#6b7683;--good:#0d6b40;--good-ground:#e6f4ec;--caution:#7a4d00;--caution-ground:#fdf3df;--bad:#a3262a;--bad-ground:#fdecec;
--shade:rgba(11,92,173,.065);--band:#0b5cad;--gain:#4d9be0;--loss:#ee9a5c;--text:#15202e;--grid:#e6eaef;color-scheme:light}
@media (prefers-color-scheme:dark){:root:not([data-theme]){--paper:#0f141b;--panel:#171e28;--ink:#e7ebf1;--muted:#a5b0be;--rule:#2d3845;--accent:#84b9f3;
--series1:#6aaef5;--series2:#f0935a;--series3:#54c9ae;--series4:#bd9ae6;--series5:#d9b44a;--series6:#ee86b2;--series7:#8cc0dc;--series8:#b9bf72;
--benchmark:#95a1af;--good:#79d6a3;--good-ground:#13291f;--caution:#eec06a;--caution-ground:#2c2412;--bad:#f59a9a;--bad-ground:#311a1c;
--shade:rgba(106,174,245,.09);--band:#6aaef5;--gain:#2f6fb0;--loss:#a8561f;--text:#e7ebf1;--grid:#232c37;color-scheme:dark}}
:root[data-theme=dark]{--paper:#0f141b;--panel:#171e28;--ink:#e7ebf1;--muted:#a5b0be;--rule:#2d3845;--accent:#84b9f3;
--series1:#6aaef5;--series2:#f0935a;--series3:#54c9ae;--series4:#bd9ae6;--series5:#d9b44a;--series6:#ee86b2;--series7:#8cc0dc;--series8:#b9bf72;
--benchmark:#95a1af;--good:#79d6a3;--good-ground:#13291f;--caution:#eec06a;--caution-ground:#2c2412;--bad:#f59a9a;--bad-ground:#311a1c;
--shade:rgba(106,174,245,.09);--band:#6aaef5;--gain:#2f6fb0;--loss:#a8561f;--text:#e7ebf1;--grid:#232c37;color-scheme:dark}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 var(--face);
font-variant-numeric:tabular-nums;font-feature-settings:"cv11","ss03"}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px;top:0;background:var(--ink);color:var(--paper);padding:.6rem 1rem;z-index:5}
.skip:focus{left:0}
.page{max-width:1080px;margin:0 auto;padding:0 28px}
.top{border-bottom:1px solid var(--rule);padding:26px 0 18px;margin-bottom:22px;display:flex;gap:24px;justify-content:space-between;align-items:flex-end}
.brand{margin:0 0 6px;font-size:12px;letter-spacing:.14em;text-transform:uppercase;color:var(--accent);font-weight:650}
h1{font-size:29px;line-height:1.2;margin:0;letter-spacing:-.018em;font-weight:680;overflow-wrap:anywhere}
.about{margin:6px 0 0;font-size:16px}
.sub{margin:6px 0 0;color:var(--muted)}
.tools{display:flex;gap:8px;flex:none}
button{font:inherit;font-size:13px;color:var(--ink);background:var(--paper);border:1px solid var(--rule);border-radius:7px;padding:5px 12px;cursor:pointer}
button:hover{border-color:var(--accent);color:var(--accent)}
html:not(.js) .tools,html:not(.js) .plot,html:not(.js) figcaption button{display:none}
.toc{margin:0 0 22px;font-size:13.5px}
.toc h2{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.toc ol{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:4px 18px}
.toc a{color:var(--muted);text-decoration:none}
.toc a:hover,.toc a.here{color:var(--accent);text-decoration:underline;text-underline-offset:3px}
@media (min-width:1380px){.page{max-width:1340px;display:grid;grid-template-columns:190px minmax(0,1fr);column-gap:48px}
.top,footer{grid-column:1/-1}.toc{position:sticky;top:24px;align-self:start;border-right:1px solid var(--rule);padding-right:16px}
.toc h2{position:static;width:auto;height:auto;clip-path:none;font-size:12px;letter-spacing:.1em;text-transform:uppercase;color:var(--muted);margin:0 0 8px;font-weight:650;border:0;padding:0}
.toc ol{display:block}.toc li{margin:0 0 7px}}
main:focus{outline:none}
section{margin:0 0 40px}
h2{font-size:20px;letter-spacing:-.012em;margin:0 0 14px;padding:0 0 7px;border-bottom:2px solid var(--ink);font-weight:670;line-height:1.3}
h3{font-size:15.5px;margin:26px 0 8px;font-weight:650;overflow-wrap:anywhere}
h4{font-size:14px;margin:18px 0 6px;font-weight:650;color:var(--muted);overflow-wrap:anywhere}
p{margin:0 0 10px;max-width:86ch;overflow-wrap:anywhere}
.good{color:var(--good)}.caution{color:var(--caution)}.bad{color:var(--bad)}.muted{color:var(--muted)}
.verdict{border:1px solid var(--rule);border-top:5px solid var(--tone);border-radius:10px;padding:20px 24px 8px;background:var(--panel)}
.verdict.plain{--tone:var(--muted);--ground:var(--panel)}.verdict.good,.row.good{--tone:var(--good);--ground:var(--good-ground);color:inherit}
.verdict.caution,.row.caution{--tone:var(--caution);--ground:var(--caution-ground);color:inherit}.verdict.bad,.row.bad{--tone:var(--bad);--ground:var(--bad-ground);color:inherit}
.row.plain,.row.muted{--tone:var(--muted);--ground:var(--panel);color:inherit}
.eyebrow{margin:0 0 2px;font-size:12px;letter-spacing:.14em;text-transform:uppercase;font-weight:650;color:var(--tone)}
.verdict h2{border:0;padding:0;margin:0 0 6px;font-size:25px;letter-spacing:-.018em}
.lead{font-size:15.5px;margin-bottom:12px}
.notes{list-style:none;margin:0 0 14px;padding:0}
.notes li{padding:7px 12px;margin:0 0 6px;background:var(--caution-ground);color:var(--caution);border-radius:7px;font-size:14px;overflow-wrap:anywhere}
.notes li::before{content:"\26A0\FE0E\00A0\00A0"}
.row{border-top:1px solid var(--rule);padding:14px 0 12px}
.row h3{margin:0 0 4px;font-size:16px;display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px}
.badge{font-size:12.5px;font-weight:650;color:var(--tone);background:var(--ground);border:1px solid var(--tone);border-radius:99px;padding:0 10px;line-height:1.7}
.reason{color:var(--muted);font-size:14px;margin-bottom:10px}
.figures{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:10px 18px;margin:0}
@media (max-width:620px){.figures{grid-template-columns:repeat(2,minmax(0,1fr))}}
.figures dt{font-size:12px;color:var(--muted);line-height:1.35}
.figures dd{margin:0;font-size:19px;font-weight:640;letter-spacing:-.01em;line-height:1.35}
.figures small{display:block;font-size:12px;font-weight:400;color:var(--muted);letter-spacing:0;line-height:1.35}
.facts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 32px;margin:0 0 12px;font-size:14px}
.facts div{display:grid;grid-template-columns:150px minmax(0,1fr);gap:12px;border-bottom:1px solid var(--rule);padding:5px 0}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
@media (max-width:720px){.facts{grid-template-columns:1fr}.top{display:block}.tools{margin-top:12px}.page{padding:0 16px}}
.table{overflow-x:auto;margin:0 0 18px}
table{border-collapse:collapse;width:100%;font-size:13.5px;line-height:1.4}
caption{text-align:left;font-weight:650;font-size:14px;padding:0 0 6px;overflow-wrap:anywhere}
th,td{padding:5px 10px;text-align:right;vertical-align:top;border-bottom:1px solid var(--rule);font-weight:400;white-space:nowrap}
thead th{border-bottom:1.5px solid var(--muted);color:var(--muted);font-weight:600;vertical-align:bottom;white-space:normal}
thead small{display:block;font-weight:400;font-size:11.5px}
td small,th small{display:block;font-size:11.5px;color:var(--muted)}
th:first-child{padding-left:0}
tbody th{text-align:left;white-space:normal;min-width:7em;overflow-wrap:break-word}
.l{text-align:left}.c{text-align:center}td.l{white-space:normal;overflow-wrap:anywhere;min-width:5.5em}
.months table{table-layout:fixed}.months th,.months td{white-space:nowrap;overflow-wrap:normal}
tr.rule th,tr.rule td{border-bottom:1.5px solid var(--muted)}
.compact table{font-size:12.5px}.compact th,.compact td{padding:3px 6px}.compact tbody th{min-width:3em}
.heat{background:color-mix(in srgb,var(--heat) calc(var(--h)*1%),transparent)}
.up{--heat:var(--gain)}.down{--heat:var(--loss)}
.under{font-size:12.5px;color:var(--muted);margin:-10px 0 18px}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 28px}
figure{margin:0 0 22px;grid-column:1/-1;min-width:0}
figure.half{grid-column:auto}
@media (max-width:800px){figure.half{grid-column:1/-1}}
figcaption{font-weight:650;font-size:14px;margin:0 0 6px;display:flex;justify-content:space-between;align-items:center;gap:12px;min-height:28px;overflow-wrap:anywhere}
figcaption button{padding:2px 10px;font-size:12.5px;flex:none}
.plot{width:100%}
.plot svg{display:block}
.message{font-size:12.5px;color:var(--muted);margin:4px 0 0;max-width:none}
pre{font:12px/1.5 ui-monospace,"SF Mono","Cascadia Mono","Liberation Mono","DejaVu Sans Mono",monospace;background:var(--panel);border:1px solid var(--rule);border-radius:7px;padding:12px 14px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 14px}
details{border:1px solid var(--rule);border-radius:8px;padding:0 16px;margin:0 0 14px}
summary{cursor:pointer;font-weight:620;padding:9px 0}
details[open] summary{margin-bottom:8px}
footer{border-top:1px solid var(--rule);padding:14px 0 30px;color:var(--muted);font-size:12.5px;overflow-wrap:anywhere}
@media print{
:root,:root:not([data-theme]),:root[data-theme=dark]{--paper:#fff;--panel:#f5f7fa;--ink:#15202e;--muted:#525e6d;--rule:#d8dee6;--accent:#0b559f;
--good:#0d6b40;--good-ground:#e6f4ec;--caution:#7a4d00;--caution-ground:#fdf3df;--bad:#a3262a;--bad-ground:#fdecec;--gain:#4d9be0;--loss:#ee9a5c;color-scheme:light}
html{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{font-family:var(--print-face);font-size:9.5pt;line-height:1.45}
.page{display:block;max-width:none;padding:0}
.tools,.skip,footer,figcaption button,noscript{display:none!important}
.top{padding:0 0 10px;margin-bottom:10px}h1{font-size:19pt}.about{font-size:10.5pt}
.toc{position:static;border:0;padding:0;margin:0 0 12px;font-size:8pt}.toc h2{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.toc ol{display:flex;flex-wrap:wrap;gap:0 12px}.toc li{margin:0}
section{margin:0 0 18px}
h2{font-size:14pt;margin-bottom:9px}h3{font-size:11pt;margin:14px 0 6px}h4{font-size:10pt;margin:10px 0 4px}
h2,h3,h4,caption,figcaption,summary{break-after:avoid}
figure,.row,tr,.facts div,.notes li{break-inside:avoid}
.verdict{padding:12px 16px 2px}.verdict h2{font-size:17pt}.lead{font-size:10pt;margin-bottom:8px}
.row{padding:8px 0}.figures{grid-template-columns:repeat(4,minmax(0,1fr));gap:5px 10px}
.figures dd{font-size:11.5pt}.figures dt,.figures small,.message,.under{font-size:7.5pt}.reason,.facts,.notes li{font-size:8.5pt}
.row h3{font-size:11pt}.badge{font-size:8pt}
.table{overflow:visible;margin-bottom:12px}table{font-size:8.2pt}th,td{padding:3px 6px}.compact table{font-size:7.2pt}.compact th,.compact td{padding:2px 3.5px}
thead{display:table-header-group}td small,th small,thead small{font-size:6.8pt}
td.l{min-width:5em}
figure{margin-bottom:12px}
.charts{gap:0 20px}figure.half{grid-column:auto}
.plot svg{max-width:100%}
pre{font-size:6.8pt;line-height:1.4}
details{border:0;padding:0}summary{list-style:none;padding:4px 0}details::details-content{content-visibility:visible;display:block;block-size:auto;height:auto}
a{color:inherit;text-decoration:none}
}
)css";
}

std::string_view page_script() {
  return R"js((() => {
'use strict';
const root = document.documentElement;
root.classList.add('js');
const system = matchMedia('(prefers-color-scheme: dark)');
const button = document.getElementById('theme');
const data = JSON.parse(document.getElementById('chart-data').textContent);
const plots = [...document.querySelectorAll('.plot')];
let chosen = null, drawn = [];
let printing = location.hash === '#print';  // opened by the PDF writer: draw once, for paper
const dark = () => !printing && (chosen === null ? system.matches : chosen === 'dark');
const face = () => getComputedStyle(root).getPropertyValue(printing ? '--print-face' : '--face').trim();
const minus = text => text.replace(/-/g, '\u2212');
const plain = value => {
  if (!Number.isFinite(value)) return '';
  const size = Math.abs(value);
  return minus(size >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3))));
};
const format = {
  percent: value => plain(value * 100) + ' %',
  number: plain,
  growth: plain,
  count: plain,
  money: value => {
    const size = Math.abs(value);
    return size >= 1e9 ? plain(value / 1e9) + ' bn' : size >= 1e6 ? plain(value / 1e6) + ' m' : size >= 1e4 ? plain(value / 1e3) + ' k' : plain(value);
  }
};
const roles = () => {
  const style = getComputedStyle(root), found = {};
  for (const name of ['series1', 'series2', 'series3', 'series4', 'series5', 'series6', 'series7', 'series8', 'benchmark', 'good', 'bad',
    'muted', 'shade', 'band', 'text', 'grid', 'paper', 'rule']) found['@' + name] = style.getPropertyValue('--' + name).trim();
  return found;
};
const coloured = (value, found, key) => {
  if (Array.isArray(value)) return key === 'data' && typeof value[0] !== 'object' ? value : value.map(item => coloured(item, found));
  if (value !== null && typeof value === 'object') {
    const made = {};
    for (const name of Object.keys(value)) made[name] = coloured(value[name], found, name);
    return made;
  }
  return key === 'color' && Object.hasOwn(found, value) ? found[value] : value;
};
const theme = found => {
  const axis = { axisLine: { lineStyle: { color: found['@benchmark'] } }, axisTick: { show: false }, axisLabel: { color: found['@muted'], fontSize: 11 },
    nameTextStyle: { color: found['@muted'], fontSize: 11 }, splitLine: { lineStyle: { color: found['@grid'] } } };
  return { backgroundColor: 'transparent', color: [1, 2, 3, 4, 5, 6, 7, 8].map(i => found['@series' + i]),
    textStyle: { fontFamily: face() },
    legend: { textStyle: { color: found['@text'], fontSize: 12 }, itemWidth: 18, itemHeight: 9, itemGap: 16, pageTextStyle: { color: found['@muted'] } },
    tooltip: { backgroundColor: found['@paper'], borderColor: found['@rule'], textStyle: { color: found['@text'], fontSize: 12 },
      axisPointer: { lineStyle: { color: found['@benchmark'] } } },
    timeAxis: axis, valueAxis: { ...axis, axisLine: { show: false } }, logAxis: { ...axis, axisLine: { show: false } }, categoryAxis: { ...axis, splitLine: { show: false } } };
};
const waterfall = (options, found) => {
  const colour = { 0: found['@series1'], 1: found['@good'], '-1': found['@series2'] };
  options.series[0].renderItem = (params, api) => {
    const from = api.coord([api.value(0), api.value(1)]), to = api.coord([api.value(0), api.value(2)]);
    const width = Math.min(api.size([1, 0])[0] * 0.62, 64), top = Math.min(from[1], to[1]), height = Math.max(Math.abs(from[1] - to[1]), 1.5);
    const kind = api.value(3), amount = kind === 0 ? api.value(2) : api.value(2) - api.value(1);
    return { type: 'group', children: [
      { type: 'rect', shape: { x: from[0] - width / 2, y: top, width, height }, style: { fill: colour[kind] } },
      { type: 'text', x: from[0], y: top - 4, style: { text: format.money(amount), fill: found['@text'], fontSize: 11, align: 'center', verticalAlign: 'bottom',
        fontFamily: face() } }] };
  };
};
// A legend of several rows needs room above the grid: none of its entries may hide behind a pager, on paper least of all.
const makeRoom = (options, plot) => {
  if (!options.legend || !options.legend.show) return;
  const width = printing ? (plot.closest('.half') ? 328 : 680) : plot.clientWidth;
  let rows = 1, used = 0;
  for (const series of options.series) {
    const need = Math.min(series.name.length, 30) * 6.9 + 44;
    if (used > 0 && used + need > width) { rows += 1; used = 0; }
    used += need;
  }
  options.legend.formatter = name => name.length > 30 ? name.slice(0, 29) + '\u2026' : name;
  if (!options.series.some(series => series.type === 'scatter')) options.legend.icon = 'roundRect';
  options.grid.top += (rows - 1) * 20;
};
const draw = () => {
  if (typeof echarts === 'undefined') return;
  for (const chart of drawn) chart.dispose();
  const found = roles(), look = theme(found);
  drawn = plots.map((plot, index) => {
    const options = coloured(data[index], found), kind = options.walras || {};
    delete options.walras;
    const state = plot.dataset.log;
    if (state) options.yAxis.type = state === 'yes' ? 'log' : 'value';
    for (const side of ['x', 'y']) {
      const axis = options[side + 'Axis'], shown = format[kind[side]];
      if (axis && shown) axis.axisLabel = { ...axis.axisLabel, formatter: shown, hideOverlap: true };
    }
    makeRoom(options, plot);
    const values = format[kind.y] || format[kind.x];
    if (values && options.tooltip) options.tooltip.valueFormatter = value => Array.isArray(value) ? value.map(values).join(' / ') : typeof value === 'number' ? values(value) : '\u2013';
    if (kind.x === 'number' || kind.x === 'percent') for (const axis of [].concat(options.xAxis || [])) axis.axisPointer = { label: { formatter: p => format[kind.x](p.value) } };
    if (kind.draw === 'waterfall') waterfall(options, found);
    options.animation = false;
    const size = printing ? { width: plot.closest('.half') ? 328 : 680 } : {};
    const chart = echarts.init(plot, look, { renderer: 'svg', ...size });
    chart.setOption(options);
    return chart;
  });
};
const paint = () => {
  root.dataset.theme = dark() ? 'dark' : 'light';
  if (button) {
    button.textContent = dark() ? 'Light theme' : 'Dark theme';
    button.setAttribute('aria-pressed', String(dark()));
  }
  draw();
};
button.addEventListener('click', () => { chosen = dark() ? 'light' : 'dark'; paint(); });
document.getElementById('print').addEventListener('click', () => window.print());
system.addEventListener('change', paint);
for (const [index, plot] of plots.entries()) {
  const kind = (data[index] || {}).walras || {};
  if (!kind.toggle_log || typeof echarts === 'undefined') continue;
  const toggle = document.createElement('button');
  toggle.type = 'button';
  const show = log => {
    plot.dataset.log = log ? 'yes' : 'no';
    toggle.textContent = log ? 'Linear scale' : 'Log scale';
  };
  show(data[index].yAxis.type === 'log');
  toggle.addEventListener('click', () => { show(plot.dataset.log !== 'yes'); draw(); });
  plot.closest('figure').querySelector('figcaption').append(toggle);
}
let folded = [];
addEventListener('beforeprint', () => {
  const ready = printing;
  printing = true;
  folded = [...document.querySelectorAll('details:not([open])')];
  for (const fold of folded) fold.open = true;
  if (!ready) paint();
});
addEventListener('afterprint', () => {
  if (location.hash === '#print') return;
  printing = false;
  for (const fold of folded) fold.open = false;
  paint();
});
let waiting = 0, width = innerWidth;
addEventListener('resize', () => {
  if (printing || innerWidth === width) return;
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const chart of drawn) chart.resize(); }, 80);
});
const links = new Map([...document.querySelectorAll('.toc a')].map(link => [link.hash.slice(1), link]));
if ('IntersectionObserver' in window) {
  const watch = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) for (const [id, link] of links) {
      const here = id === entry.target.id;
      link.classList.toggle('here', here);
      if (here) link.setAttribute('aria-current', 'true'); else link.removeAttribute('aria-current');
    }
  }, { rootMargin: '0px 0px -75% 0px' });
  for (const id of links.keys()) { const heading = document.getElementById(id); if (heading) watch.observe(heading); }
}
paint();
})();
)js";
}

}  // namespace walras::reports
