export async function judgesItself() {}
