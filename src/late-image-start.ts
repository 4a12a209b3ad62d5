/** The box of an image that was started before: a start with a record loads nothing else. */
export { notedBox } from './image/start-record.ts'
