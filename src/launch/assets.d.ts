/** A file that the compiled program carries: its path there. */
declare module '#nsbox-sidecar' {
  const path: string
  export default path
}
declare module '#nsbox-hide' {
  const path: string
  export default path
}
declare module '#nsbox-net' {
  const path: string
  export default path
}
declare module '#nsbox-trace' {
  const path: string
  export default path
}
declare module '#nsbox-unpack' {
  const path: string
  export default path
}
