-- More stock for a counter: so many more available. The business part of a script whose other part is barrier.lua.
--
-- keys       1  the counter, a hash: available, reserved, sold
-- arguments  1  how many

return {
  allow = function(read, keys, arguments)
    -- Numbers of Lua are exact up to 2^53.
    local there = tonumber(read('HGET', keys[1], 'available') or '0')
    assert(there + tonumber(arguments[1]) < 9007199254740992, 'the counter would be too large')
  end,
  apply = function(write, keys, arguments)
    write('HINCRBY', keys[1], 'available', arguments[1])
    write('HSETNX', keys[1], 'reserved', '0')
    write('HSETNX', keys[1], 'sold', '0')
  end,
}
