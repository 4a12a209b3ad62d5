/**
 * Draws start time by number of mounts as an SVG. Both axes are logarithmic, so that linear growth is a straight line.
 */
import type { Points } from './result.ts'

const WIDTH = 640
const HEIGHT = 400
const LEFT = 70
const RIGHT = 130
const TOP = 30
const BOTTOM = 50
const COLOURS = ['#0b6e4f', '#b3541e', '#3b5b92', '#7a3b69']

const decades = (values: readonly number[]): [number, number] => [
  Math.floor(Math.log10(Math.min(...values))),
  Math.ceil(Math.log10(Math.max(...values))),
]

export function plot(lines: readonly Points[]): string {
  const all = lines.flatMap(({ times }) => times)
  const [left, right] = decades(all.map(([count]) => count))
  const [bottom, top] = decades(all.map(([, time]) => time / 1000))
  const x = (count: number) => LEFT + ((Math.log10(count) - left) / (right - left || 1)) * (WIDTH - LEFT - RIGHT)
  const y = (milliseconds: number) =>
    HEIGHT - BOTTOM - ((Math.log10(milliseconds) - bottom) / (top - bottom || 1)) * (HEIGHT - TOP - BOTTOM)
  const powers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))
  const grid = [
    ...powers(left, right).map(
      (count) =>
        `<path d="M${at(x(count))} ${TOP}V${HEIGHT - BOTTOM}" stroke="#ddd"/>${text(x(count), HEIGHT - BOTTOM + 18, String(count), 'middle')}`,
    ),
    ...powers(bottom, top).map(
      (time) =>
        `<path d="M${LEFT} ${at(y(time))}H${WIDTH - RIGHT}" stroke="#ddd"/>${text(LEFT - 8, y(time) + 4, String(time), 'end')}`,
    ),
  ]
  const drawn = lines.map(({ name, times }, i) => {
    const colour = COLOURS[i % COLOURS.length] ?? '#000'
    const places = times.map(([count, time]): [number, number] => [x(count), y(time / 1000)])
    const [endX, endY] = places.at(-1) ?? [0, 0]
    return [
      `<polyline points="${places.map(([px, py]) => `${at(px)},${at(py)}`).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(([px, py]) => `<circle cx="${at(px)}" cy="${at(py)}" r="3" fill="${colour}"/>`),
      text(endX + 8, endY + 4, name, 'start', colour),
    ].join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...grid,
    ...drawn,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, 'bind mounts in the box', 'middle'),
    text(LEFT, TOP - 12, 'milliseconds from start to end', 'start'),
    '</svg>',
    '',
  ].join('\n')
}

const at = (value: number): string => value.toFixed(1)

function text(x: number, y: number, words: string, anchor: string, colour = '#333'): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`
}
