<?php
// Prints hashes of PHP's own password_hash, one JSON object a line.

$long = str_repeat('x', 72);
$rows = [
    ['open sesame', PASSWORD_BCRYPT, ['cost' => 5]],
    ['pässwörd-emma', PASSWORD_BCRYPT, ['cost' => 10]],
    [$long, PASSWORD_BCRYPT, ['cost' => 5]],
    ['pässwörd-emma', PASSWORD_ARGON2I, []],
    ['pässwörd-emma', PASSWORD_ARGON2ID, []],
    ['', PASSWORD_ARGON2ID, ['memory_cost' => 64, 'time_cost' => 1]],
];
foreach ($rows as [$password, $algorithm, $options]) {
    $by = 'PHP ' . PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION . '.' . PHP_RELEASE_VERSION . ", $algorithm";
    $hash = password_hash($password, $algorithm, $options);
    echo json_encode(compact('by', 'password', 'hash'), JSON_UNESCAPED_SLASHES), "\n";
}
